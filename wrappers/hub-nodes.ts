import { type Cell, Dictionary, type Slice } from '@ton/core';
import { loadHubTerms, loadNodeRecord, loadPayout$Data } from '../build/Payout/Payout_Payout';
import type { AdmittedNode } from './payout';

/** All nodes of a hub as its account stores them: equal states are equal cells, whoever tells them. */
export interface StoredHubNodes {
    nodes: Cell | null;
    closeDelaySec: number;
}

/** A node lies under the last bits of its key; its record has the rest (contracts/hub/roster.tact). */
const tagBits = 64;

/** @param data of the hub's account */
export function storedHubNodes(data: Cell): StoredHubNodes {
    const slice = data.beginParse();
    // Tact's own mark of an account that its init has filled.
    slice.skip(1);
    const { nodes, terms } = loadPayout$Data(slice);
    return { nodes, closeDelaySec: Number(loadHubTerms(terms).closeDelaySec) };
}

/** By node key in hex, what `Payout.getNode` says of each. */
export function admittedNodes({ nodes, closeDelaySec }: StoredHubNodes): Map<string, AdmittedNode> {
    if (nodes === null) return new Map();
    const dictionary = Dictionary.loadDirect(Dictionary.Keys.BigUint(tagBits), { parse, serialize }, nodes);
    return new Map(
        [...dictionary].map(([tag, { keyHead, ...record }]) => [
            keyHead + hexOf(tag, tagBits / 4),
            { ...record, settlesUntil: Math.min(record.notAfter, record.revokedAt ?? record.notAfter) + closeDelaySec },
        ]),
    );
}

type StoredNode = Omit<AdmittedNode, 'settlesUntil'> & { keyHead: string };

function parse(slice: Slice): StoredNode {
    const { ownerId, suite, notAfter, revokedAt, keyHead } = loadNodeRecord(slice);
    return {
        ownerId: Buffer.from(hexOf(ownerId, 64), 'hex'),
        suite: Number(suite),
        notAfter: Number(notAfter),
        revokedAt: revokedAt === 0n ? null : Number(revokedAt),
        keyHead: hexOf(keyHead, 48),
    };
}

function serialize(): never {
    throw new Error('a hub writes its nodes itself');
}

const hexOf = (value: bigint, digits: number) => value.toString(16).padStart(digits, '0');
