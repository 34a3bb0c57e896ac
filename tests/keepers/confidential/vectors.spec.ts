import {
    AnswerOpener,
    bindingOfEnvelope,
    checkCap,
    openRequest,
    parseEnvelope,
    signerFromSeed,
    type Suite,
    verifyKemCertificate,
    verifyOffer,
} from '../../../keepers/confidential';
import { decodeInnerRequest } from '../../../keepers/confidential/inner-request';
import { hpkeOpener } from '../../../keepers/confidential/hpke';
import suite1 from '../../vectors/confidential/exchange-suite-1.json';
import suite2 from '../../vectors/confidential/exchange-suite-2.json';
import { modelIndex, nowSec, usage } from './exchange';
import { buildVector } from './vectors';

const hex = (text: string) => Buffer.from(text, 'hex');

describe.each([suite1, suite2])('vectors of suite $suite', (vector) => {
    it('are what the code makes of the same keys and randomness', async () => {
        expect(await buildVector(vector.suite as Suite)).toEqual(vector);
    });

    it('open with what they hold, and say what they should', async () => {
        const nodeKey = signerFromSeed(hex(vector.keys.nodeSeed)).publicKey;
        const expected = { network: hex(vector.keys.network), nodeKey, nowSec };
        const certificate = verifyKemCertificate(hex(vector.kemCertificate.signed), expected);
        const offer = verifyOffer(hex(vector.offer.signed), expected);
        const envelope = parseEnvelope(hex(vector.request.envelope));
        checkCap(envelope);
        expect(envelope.sessionKey).toEqual(signerFromSeed(hex(vector.keys.sessionSeed)).publicKey);
        expect(envelope.context.offerHash).toEqual(offer.hash);
        const privateKey = hex(vector.keys.kemPrivateKey);
        const opened = await openRequest({
            envelope,
            opener: await hpkeOpener(certificate.suite, privateKey),
            certificateHash: certificate.hash,
        });
        expect(opened.cek.toString('hex')).toBe(vector.request.cek);
        expect(opened.inner).toEqual(decodeInnerRequest(hex(vector.request.inner)));
        const opener = new AnswerOpener({ to: bindingOfEnvelope(envelope), cek: opened.cek, offer, modelIndex });
        const events = opener.push(hex(vector.answer.frames.join('')));
        opener.end();
        expect(events.at(-1)).toMatchObject({ type: 'final', usage });
    });
});
