import { generateKemKeyPair } from '../../../keepers/confidential/hpke';
import { encodeInnerRequest } from '../../../keepers/confidential/inner-request';
import { readStatement, type Suite } from '../../../keepers/confidential';
import {
    answerOf,
    bytesOf,
    capCumulativeNano,
    exchange,
    fixedRandom,
    inner,
    network,
    offer,
    sealAnswer,
} from './exchange';

const hex = (bytes: Buffer) => bytes.toString('hex');

/**
 * A whole request and its answer from fixed keys and randomness. Written to tests/vectors/confidential by
 * write-vectors.ts, so that another implementation can check every step, and that a change of ours cannot go unseen.
 */
export async function buildVector(suite: Suite) {
    const { certificate, request, bytes, envelope } = await exchange(suite);
    const { privateKey } = await generateKemKeyPair(suite, fixedRandom(`keyring of suite ${suite}`));
    const random = fixedRandom('exchange');
    const [cek, nonce] = [random(32), random(12)];
    const { sealer } = answerOf({ request, envelope });
    const answerRandom = fixedRandom('answer');
    return {
        suite,
        keys: {
            network: hex(network),
            nodeSeed: hex(bytesOf('node')),
            sessionSeed: hex(bytesOf('session')),
            kemPrivateKey: hex(privateKey),
        },
        kemCertificate: { signed: hex(certificate.signed), hash: hex(certificate.hash) },
        offer: { signed: hex(offer.signed), hash: hex(readStatement(offer.signed).hash) },
        request: {
            inner: hex(encodeInnerRequest(inner)),
            cek: hex(cek),
            nonce: hex(nonce),
            encapsulationRandomness: hex(random(suite === 1 ? 64 : 32)),
            context: hex(request.parts.context),
            contextHash: hex(envelope.contextHash),
            sealed: hex(envelope.sealed),
            requestHash: hex(request.requestHash),
            enc: hex(envelope.enc),
            ct: hex(envelope.ct),
            capCumulativeNano: capCumulativeNano.toString(),
            envelope: hex(bytes),
        },
        answer: {
            fresh: hex(answerRandom(32)),
            usageSalt: hex(answerRandom(32)),
            frames: sealAnswer(sealer).map(hex),
        },
    };
}
