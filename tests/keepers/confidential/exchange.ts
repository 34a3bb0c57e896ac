import { createHash } from 'node:crypto';
import { ManualClock } from '../../../keepers/base';
import {
    AnswerOpener,
    AnswerSealer,
    binding,
    bindingOfEnvelope,
    ConfidentialError,
    type ConfidentialErrorCode,
    costNano,
    finishEnvelope,
    signRequestCap,
    issueOffer,
    KemKeyring,
    type OfferFields,
    parseEnvelope,
    prepareRequest,
    type RandomSource,
    ReceiptWatcher,
    signerFromSeed,
    type Suite,
    type TokenUsage,
    verifyKemCertificate,
    verifyOffer,
} from '../../../keepers/confidential';

/** The same bytes every time: SHA-256 in counter mode over a name. */
export function fixedRandom(name: string): RandomSource {
    let counter = 0;
    return (length) => {
        const blocks: Buffer[] = [];
        for (let have = 0; have < length; have += 32) {
            blocks.push(createHash('sha256').update(`${name} ${counter++}`).digest());
        }
        return Buffer.concat(blocks).subarray(0, length);
    };
}

export const bytesOf = (name: string, length = 32) => fixedRandom(name)(length);

export const nowMs = 1_790_000_000_000;
export const nowSec = nowMs / 1000;
export const network = bytesOf('network');
export const escrow = bytesOf('escrow');
export const node = signerFromSeed(bytesOf('node'));
export const session = signerFromSeed(bytesOf('session'));
export const stranger = signerFromSeed(bytesOf('stranger'));
export const requestId = bytesOf('request id', 16);
export const capCumulativeNano = 5_000_000n;
export const allowanceNano = 300_000n;

export const offerFields: Omit<OfferFields, 'nodeKey'> = {
    network,
    issuedAtSec: nowSec,
    expiresAtSec: nowSec + 600,
    maxConcurrency: 4,
    models: [
        {
            model: 'other',
            modelRoot: bytesOf('root of the other'),
            contextLength: 512,
            inputNano: 1n,
            cachedInputNano: 1n,
            outputNano: 1n,
            reasoningNano: 1n,
            capabilities: ['embeddings'],
        },
        {
            model: 'toy',
            modelRoot: bytesOf('root of the toy'),
            contextLength: 4096,
            inputNano: 30_000_000n,
            cachedInputNano: 10_000_000n,
            outputNano: 90_000_001n,
            reasoningNano: 95_000_000n,
            capabilities: ['chat.completions', 'completions'],
        },
    ],
};

export const modelIndex = 1;
export const usage: TokenUsage = { promptTokens: 40, cachedPromptTokens: 7, completionTokens: 21, reasoningTokens: 3 };
export const inner = {
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: Buffer.from('{"model":"toy","messages":[{"role":"user","content":"hello"}],"max_tokens":64}'),
};

export function issueTestOffer() {
    return verifyOffer(issueOffer(offerFields, node).signed, { network, nodeKey: node.publicKey, nowSec });
}

export const offer = issueTestOffer();
export const answerCostNano = costNano(offer.models[modelIndex]!, usage);

export interface TestNode {
    clock: ManualClock;
    keyring: KemKeyring;
}

/** A node that has just made its first KEM key. */
export async function startNode(suite: Suite): Promise<TestNode> {
    const clock = new ManualClock(nowMs);
    const random = fixedRandom(`keyring of suite ${suite}`);
    const keyring = new KemKeyring({ network, signer: node, clock, suites: [suite], random });
    await keyring.tick();
    return { clock, keyring };
}

/** Gateway, dispatcher and node up to the moment when the answer begins. */
export async function exchange(suite: Suite, name = 'exchange', body = inner.body) {
    const { keyring, clock } = await startNode(suite);
    const [published] = keyring.certificates();
    const certificate = verifyKemCertificate(published!.signed, { network, nodeKey: node.publicKey, nowSec });
    const request = await prepareRequest({
        context: { escrow, epoch: 9, offerHash: offer.hash, requestId, deadlineMs: nowMs + 60_000, allowanceNano },
        inner: { ...inner, body },
        certificate,
        random: fixedRandom(name),
    });
    const bytes = finishEnvelope(request, signRequestCap(request, session, capCumulativeNano));
    return { keyring, clock, certificate, request, bytes, envelope: parseEnvelope(bytes) };
}

export type Exchange = Awaited<ReturnType<typeof exchange>>;

/** Both ends of the answer, and the dispatcher between them. */
export function answerOf({ request, envelope }: Pick<Exchange, 'request' | 'envelope'>, name = 'answer') {
    const { requestHash, cek } = request;
    const to = binding(request.context, { requestHash, sessionKey: session.publicKey, capCumulativeNano });
    const sealer = new AnswerSealer({
        to: bindingOfEnvelope(envelope),
        cek,
        modelIndex,
        signer: node,
        random: fixedRandom(name),
    });
    return {
        to,
        sealer,
        opener: () => new AnswerOpener({ to, cek, offer, modelIndex }),
        watcher: () => new ReceiptWatcher(bindingOfEnvelope(envelope)),
    };
}

/** An answer with every kind of frame. */
export function sealAnswer(sealer: AnswerSealer): Buffer[] {
    const partial = { promptTokens: 40, cachedPromptTokens: 7, completionTokens: 2, reasoningTokens: 0 };
    const partialCost = costNano(offer.models[modelIndex]!, partial);
    const earlier = 1_000n;
    return [
        sealer.start(),
        sealer.keepAlive(),
        sealer.head({ status: 200, headers: { 'content-type': 'text/event-stream' } }),
        sealer.body(Buffer.from('data: one\n\n')),
        sealer.checkpoint(partial, { sequence: 4, costNano: partialCost, cumulativeNano: earlier + partialCost }).wire,
        sealer.body(Buffer.from('data: two\n\n'.repeat(100))),
        sealer.final(usage, { sequence: 6, costNano: answerCostNano, cumulativeNano: earlier + answerCostNano }).wire,
    ];
}

/** Runs `act` and checks that it fails with exactly this code. */
export async function expectCode(code: ConfidentialErrorCode, act: () => unknown): Promise<void> {
    expect(await codeOf(act)).toBe(code);
}

/** The code that `act` fails with, or undefined; any error without a code of ours is passed on. */
export async function codeOf(act: () => unknown): Promise<ConfidentialErrorCode | undefined> {
    try {
        await act();
        return undefined;
    } catch (error) {
        if (error instanceof ConfidentialError) return error.code;
        throw error;
    }
}

/** A copy with one bit turned over. */
export function flipped(bytes: Buffer, index: number, bit = 0): Buffer {
    const copy = Buffer.from(bytes);
    copy[index]! ^= 1 << bit;
    return copy;
}
