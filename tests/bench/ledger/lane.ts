import { createHash, randomFillSync } from 'node:crypto';
import { newRequestId } from '../../../keepers/confidential';
import type { DispatchLedger, EscrowFunds } from '../../../keepers/ledger';

const nodesOfEscrow = 4;
const costNano = 1_000n;
const funds: EscrowFunds = { balanceNano: 1n << 60n, paidNano: new Map() };
const offerHash = hash('offer');

/** Keys and hashes that fall anywhere in an index, without the cost of making each. */
const pool = Buffer.alloc(1 << 20);
let poolAt = pool.length;

function randomBytes(length: number): Buffer {
    if (poolAt + length > pool.length) {
        randomFillSync(pool);
        poolAt = 0;
    }
    const bytes = Buffer.from(pool.subarray(poolAt, poolAt + length));
    poolAt += length;
    return bytes;
}

/** As our gateway makes them, or any bytes, as another may. */
export type RequestIds = 'by-time' | 'random';

/** Requests of one client to one node, one after the other. */
export class Lane {
    private readonly escrow: Buffer;
    private readonly nodeKey: Buffer;
    private readonly sessionKey: Buffer;
    private sequence = 0;

    constructor(
        index: number,
        private readonly ids: RequestIds,
    ) {
        this.escrow = hash(`escrow ${Math.floor(index / nodesOfEscrow)}`);
        this.nodeKey = hash(`node ${index}`);
        this.sessionKey = hash(`session ${Math.floor(index / nodesOfEscrow)}`);
    }

    /** @returns how many charges became durable */
    async run(ledger: DispatchLedger, until: { untilMs: number; note: (tookMs: number) => void }): Promise<number> {
        let charges = 0;
        for (; performance.now() < until.untilMs; charges++) {
            const requestId = this.ids === 'random' ? randomBytes(16) : newRequestId(Date.now(), randomBytes(10));
            this.sequence += 1;
            const startedMs = performance.now();
            await this.recordCap(ledger, requestId);
            const capMs = performance.now();
            until.note(capMs - startedMs);
            await this.recordReceipt(ledger, requestId);
            until.note(performance.now() - capMs);
        }
        return charges;
    }

    private recordCap(ledger: DispatchLedger, requestId: Buffer): Promise<void> {
        const { escrow, nodeKey, sessionKey } = this;
        return ledger.recordCap({
            escrow,
            epoch: 1,
            nodeKey,
            requestId,
            sessionKey,
            requestHash: randomBytes(32),
            offerHash,
            worstCaseNano: 2n * costNano,
            capCumulativeNano: BigInt(this.sequence) * costNano,
            capSignature: randomBytes(64),
            funds,
            atMs: Date.now(),
        });
    }

    private async recordReceipt(ledger: DispatchLedger, requestId: Buffer): Promise<void> {
        const { escrow, nodeKey, sessionKey, sequence } = this;
        const cumulativeNano = BigInt(sequence) * costNano;
        const outcome = await ledger.recordReceipt({
            escrow,
            epoch: 1,
            receipt: { nodeKey, sessionKey, sequence, costNano, cumulativeNano, reference: randomBytes(32) },
            signature: randomBytes(64),
            requestId,
            usageHash: randomBytes(32),
            transcriptHash: randomBytes(32),
            final: true,
            receivedAtMs: Date.now(),
        });
        if (outcome !== 'recorded') throw new Error(`a receipt was ${outcome}`);
    }
}

function hash(text: string): Buffer {
    return createHash('sha256').update(text).digest();
}
