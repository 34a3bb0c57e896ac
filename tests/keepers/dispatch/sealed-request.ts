import type { EscrowAccount, Orphan } from '../../../keepers/dispatch';
import {
    AnswerSealer,
    bindingOfEnvelope,
    finishEnvelope,
    signRequestCap,
    firstWindowNano,
    type InnerRequest,
    KemKeyring,
    parseEnvelope,
    type ParsedEnvelope,
    prepareRequest,
    requestedWork,
    type Signer,
    type TokenUsage,
    withLiveCap,
    worstCaseNano,
} from '../../../keepers/confidential';
import { costNano } from '../../../keepers/confidential';
import { bytesOf, inner, modelIndex, network, node, nowMs, nowSec, offer, session } from '../confidential/exchange';
import { ManualClock } from '../../../keepers/base';

export { modelIndex, network, node, nowMs, nowSec, offer, session };
export const escrow = bytesOf('escrow');
export const hub = bytesOf('hub');
export const usage: TokenUsage = { promptTokens: 10, cachedPromptTokens: 0, completionTokens: 5, reasoningTokens: 0 };
export const usageCostNano = costNano(offer.models[modelIndex]!, usage);

/** X25519 alone: these tests are about everything but the key exchange. */
export async function keyringOf(signer: Signer, clock = new ManualClock(nowMs)): Promise<KemKeyring> {
    const keyring = new KemKeyring({ network, signer, clock, suites: [2] });
    await keyring.tick();
    return keyring;
}

const keyring = keyringOf(node);

export interface RequestOptions {
    name: string;
    capNano?: bigint;
    escrow?: Buffer;
    epoch?: number;
    deadlineMs?: number;
    signer?: Signer;
    keyring?: KemKeyring;
    body?: Buffer;
    offerHash?: Buffer;
    windowed?: boolean;
    /** What its context states; by default what the test node asks for. */
    allowanceNano?: bigint;
}

export interface SealedRequest {
    bytes: Buffer;
    envelope: ParsedEnvelope;
    requestId: Buffer;
    cek: Buffer;
}

/** A request as a gateway sends it to the test node. */
export async function sealRequest(options: RequestOptions): Promise<SealedRequest> {
    const [certificate] = (options.keyring ?? (await keyring)).certificates();
    const requestId = bytesOf(`request ${options.name}`, 16);
    const asked = { ...inner, body: options.body ?? inner.body };
    const prepared = await prepareRequest({
        context: {
            escrow: options.escrow ?? escrow,
            epoch: options.epoch ?? 3,
            offerHash: options.offerHash ?? offer.hash,
            requestId,
            deadlineMs: options.deadlineMs ?? nowMs + 60_000,
            windowed: options.windowed,
            allowanceNano: options.allowanceNano ?? allowanceOf(asked, options.windowed ?? false),
        },
        inner: asked,
        certificate: certificate!,
    });
    const bytes = finishEnvelope(
        prepared,
        signRequestCap(prepared, options.signer ?? session, options.capNano ?? 1_000_000n),
    );
    return { bytes, envelope: parseEnvelope(bytes), requestId, cek: prepared.cek };
}

/** Of a body that can't be priced nothing is known. */
function allowanceOf(asked: InnerRequest, windowed: boolean): bigint {
    const terms = offer.models[modelIndex]!;
    try {
        return (windowed ? firstWindowNano : worstCaseNano)(terms, requestedWork(asked));
    } catch {
        return 0n;
    }
}

/** The node's end of an answer, whose receipts may rest on any cap. */
export function sealerOf(request: SealedRequest, capNano?: bigint): AnswerSealer {
    const to = bindingOfEnvelope(request.envelope);
    const live = capNano === undefined ? to : withLiveCap(to, () => capNano);
    return new AnswerSealer({ to: live, cek: request.cek, modelIndex, signer: node });
}

/** Start, head, body; what a node sends before any receipt. */
export function opening(sealer: AnswerSealer, text = 'hello'): Buffer {
    return Buffer.concat([
        sealer.start(),
        sealer.head({ status: 200, headers: { 'content-type': 'application/json' } }),
        sealer.body(Buffer.from(text)),
    ]);
}

/** A final receipt over `usage`, the `sequence`th of its stream. */
export function finalOf(sealer: AnswerSealer, sequence = 1, beforeNano = 0n) {
    return sealer.final(usage, { sequence, costNano: usageCostNano, cumulativeNano: beforeNano + usageCostNano });
}

export function account(overrides: Partial<EscrowAccount> = {}): EscrowAccount {
    return {
        escrow,
        epoch: 3,
        status: 'open',
        balanceNano: 10_000_000n,
        sessionKeys: [{ publicKey: session.publicKey, validUntilSec: nowSec + 3_600 }],
        paidNano: new Map(),
        ...overrides,
    };
}

/** The final receipt of a broken stream, as its node sends it again. */
export function orphanOf({ envelope }: Pick<SealedRequest, 'envelope'>, payload: Buffer): Orphan {
    const { context, requestHash, sessionKey, cap, capSignature } = envelope;
    const { escrow: of, epoch, offerHash } = context;
    return {
        requestHash,
        offerHash,
        payload,
        cap: { escrow: of, epoch, sessionKey, capCumulativeNano: cap.cumulativeNano, capSignature },
    };
}
