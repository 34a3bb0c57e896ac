import { Cell, Dictionary, Slice } from '@ton/core';

/** Escrow and hub know a node by the last 8 bytes of its key. */
const tagHexLength = 16;

/** NanoTON paid to each node in an epoch. Looked up by the node's key in hex, and listed by the last 8 bytes of it. */
export class PaidAmounts extends Map<string, bigint> {
    override get(nodeKeyHex: string): bigint | undefined {
        return super.get(nodeKeyHex.slice(-tagHexLength));
    }

    override has(nodeKeyHex: string): boolean {
        return super.has(nodeKeyHex.slice(-tagHexLength));
    }

    override set(nodeKeyHex: string, amountNano: bigint): this {
        return super.set(nodeKeyHex.slice(-tagHexLength), amountNano);
    }
}

/** The page of the nodes that were paid last, and the dictionary of those before; see contracts/charge/paid.tact. */
export function readPaidAmounts(page: Cell | null): PaidAmounts {
    const paid = new PaidAmounts();
    if (page === null) return paid;
    const entries: Slice = page.beginParse();
    if (entries.remainingRefs > 0) {
        const older = Dictionary.loadDirect(
            Dictionary.Keys.BigUint(64),
            Dictionary.Values.BigUint(63),
            entries.loadRef(),
        );
        for (const [tag, amountNano] of older) paid.set(tag.toString(16).padStart(tagHexLength, '0'), amountNano);
    }
    while (entries.remainingBits > 0) paid.set(entries.loadBuffer(8).toString('hex'), entries.loadUintBig(63));
    return paid;
}
