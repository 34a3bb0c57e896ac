import type { Address, Cell } from '@ton/core';
import { loadNodeAdmitted, loadNodePruned, Payout as PayoutBinding } from '../build/Payout/Payout_Payout';
import { uint256ToBytes } from './uint256';

/** What a hub's external-out messages say of its nodes. */
export type HubNodeEvent =
    | { kind: 'admitted'; nodeKey: Buffer; owner: Address }
    /** The hub has forgotten it. */
    | { kind: 'pruned'; nodeKey: Buffer };

/** Null for any other event. */
export function readHubNodeEvent(body: Cell): HubNodeEvent | null {
    if (body.bits.length < 32) return null;
    const opcode = body.beginParse().preloadUint(32);
    if (opcode === PayoutBinding.opcodes.NodeAdmitted) {
        const { nodeKey, owner } = loadNodeAdmitted(body.beginParse());
        return { kind: 'admitted', nodeKey: uint256ToBytes(nodeKey), owner };
    }
    if (opcode !== PayoutBinding.opcodes.NodePruned) return null;
    return { kind: 'pruned', nodeKey: uint256ToBytes(loadNodePruned(body.beginParse()).nodeKey) };
}
