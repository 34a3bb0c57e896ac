import { Address, Cell, Transaction } from '@ton/core';
import { SendMessageResult } from '@ton/sandbox';
import { Registry as RegistryBinding } from '../../../build/Registry/Registry_Registry';
import { providerErrors, registrationRefusals, registryErrors } from '../../../wrappers';

const texts = new Map([...registryErrors, ...providerErrors]);

/** The first transaction of `account` that a message caused. */
export function transactionOf(result: SendMessageResult, account: Address): Transaction {
    const found = result.transactions.find((tx) => reaches(tx, account));
    if (found === undefined) throw new Error(`nothing reached ${account}`);
    return found;
}

function reaches(tx: Transaction, account: Address): boolean {
    const dest = tx.inMessage?.info.dest;
    return dest instanceof Address && dest.equals(account);
}

/** Why the account threw: the text of its exit code, null when it went through. */
export function thrownBy(result: SendMessageResult, account: Address): string | null {
    const { description } = transactionOf(result, account);
    if (description.type !== 'generic' || description.computePhase.type !== 'vm') return 'no code ran';
    const code = description.computePhase.exitCode;
    if (code === 0) return description.actionPhase?.success ? null : `action ${description.actionPhase?.resultCode}`;
    return texts.get(code) ?? `exit code ${code}`;
}

/** Gas of the first transaction of `account`. */
export function gasOf(result: SendMessageResult, account: Address): number {
    const { description } = transactionOf(result, account);
    if (description.type !== 'generic' || description.computePhase.type !== 'vm') return 0;
    return Number(description.computePhase.gasUsed);
}

/** The reason of the RegistrationRefused that `to` got, null when it got none. */
export function refusalTo(result: SendMessageResult, to: Address): string | null {
    return reasonIn(bodyTo(result, to, RegistryBinding.opcodes.RegistrationRefused), 32 + 64);
}

/** The reason of the KeyRefused that `registry` got from a provider, null when it got none. */
export function keyRefusalTo(result: SendMessageResult, registry: Address): string | null {
    return reasonIn(bodyTo(result, registry, RegistryBinding.opcodes.KeyRefused), 32 + 64 + 32);
}

function reasonIn(body: Cell | null, offset: number): string | null {
    if (body === null) return null;
    const reason = body.beginParse().skip(offset).loadUint(16);
    return registrationRefusals.get(reason) ?? `reason ${reason}`;
}

/** Body of the first message to `to` with this opcode. */
export function bodyTo(result: SendMessageResult, to: Address, opcode: number): Cell | null {
    for (const tx of result.transactions) {
        const message = tx.inMessage;
        if (!reaches(tx, to) || message?.info.type !== 'internal' || message.info.bounced) continue;
        const slice = message.body.beginParse();
        if (slice.remainingBits >= 32 && slice.preloadUint(32) === opcode) return message.body;
    }
    return null;
}

/** NanoTON that came to `to` in messages with this opcode. */
export function valueTo(result: SendMessageResult, to: Address, opcode: number): bigint {
    let sum = 0n;
    for (const tx of result.transactions) {
        const { inMessage } = tx;
        if (!reaches(tx, to) || inMessage?.info.type !== 'internal' || inMessage.info.bounced) continue;
        const slice = inMessage.body.beginParse();
        if (slice.remainingBits >= 32 && slice.preloadUint(32) === opcode) sum += inMessage.info.value.coins;
    }
    return sum;
}

/** Body of the first event with this opcode. */
export function eventOf(result: SendMessageResult, opcode: number): Cell | null {
    return result.externals.find((out) => out.body.beginParse().preloadUint(32) === opcode)?.body ?? null;
}

/** For comparing states: addresses as text, since two equal `Address` objects do not compare as equal. */
export function comparable(state: object): object {
    return Object.fromEntries(
        Object.entries(state).map(([name, value]) => [name, value instanceof Address ? value.toString() : value]),
    );
}
