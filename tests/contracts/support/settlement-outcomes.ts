import { Address, Transaction } from '@ton/core';
import { SendMessageResult } from '@ton/sandbox';
import { Escrow as EscrowBinding, loadChargeRefused } from '../../../build/Escrow/Escrow_Escrow';

/** Exit code of the last transaction at `address`, null when none ran there. */
export function exitCodeOf(result: SendMessageResult, address: Address): number | null {
    const description = result.transactions.filter((tx) => goesTo(tx, address)).at(-1)?.description;
    if (description?.type !== 'generic' || description.computePhase.type !== 'vm') return null;
    return description.computePhase.exitCode;
}

function goesTo(tx: Transaction, address: Address): boolean {
    const destination = tx.inMessage?.info.dest;
    return destination instanceof Address && destination.equals(address);
}

/** Gas burned at `address` in all transactions of the trace. */
export function gasAt(result: SendMessageResult, address: Address): bigint {
    let gas = 0n;
    for (const tx of result.transactions) {
        if (!goesTo(tx, address) || tx.description.type !== 'generic') continue;
        if (tx.description.computePhase.type === 'vm') gas += tx.description.computePhase.gasUsed;
    }
    return gas;
}

/** Reason of the ChargeRefused that reached `settler`, null when none did. */
export function refusalReasonOf(result: SendMessageResult, settler: Address): number | null {
    for (const tx of result.transactions) {
        const message = tx.inMessage;
        if (!message || !goesTo(tx, settler) || message.body.bits.length < 32) continue;
        const body = message.body.beginParse();
        if (body.preloadUint(32) === EscrowBinding.opcodes.ChargeRefused) return Number(loadChargeRefused(body).reason);
    }
    return null;
}
