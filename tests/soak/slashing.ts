import { Receipt, receiptDigest, SlashOptions } from '../../wrappers';
import { testKey } from '../contracts/support/ed25519';
import { ReceiptChoice } from './operation';
import { NodeSigner } from './scene';
import type { World } from './world';

const epoch = 7;

/** Two receipts of one key for one escrow, and whether they prove that it contradicted itself. */
export function slashing(world: World, key: NodeSigner, first: ReceiptChoice, second: ReceiptChoice) {
    const escrow = world.scene.escrows[0]!.address.hash;
    const signed = (choice: ReceiptChoice) => {
        const receipt: Receipt = {
            network: world.scene.registry.network,
            escrow,
            epoch,
            nodeKey: key.publicKey,
            sessionKey: Buffer.alloc(32, 3),
            sequence: choice.sequence,
            costNano: 1n,
            cumulativeNano: BigInt(choice.cumulativeNano),
            reference: Buffer.alloc(32, 7),
        };
        const signer = choice.signer === 0 ? key : testKey('soak forger');
        return { receipt, signature: signer.sign(receiptDigest(receipt)) };
    };
    const options: SlashOptions = { nodeKey: key.publicKey, escrow, epoch, receipts: [signed(first), signed(second)] };
    return { options, proves: contradicts(first, second) };
}

/** One sequence said twice in different words, or a higher sequence with a lower sum. */
function contradicts(first: ReceiptChoice, second: ReceiptChoice): boolean {
    if (first.signer !== 0 || second.signer !== 0) return false;
    const [older, newer] = first.sequence < second.sequence ? [first, second] : [second, first];
    if (older.sequence === newer.sequence) return older.cumulativeNano !== newer.cumulativeNano;
    return newer.cumulativeNano < older.cumulativeNano;
}
