import { Message, Transaction } from '@ton/core';
import { opcodes } from './opcodes';

export function storageFees(transaction: Transaction): bigint {
    const { description } = transaction;
    return description.type === 'generic' ? (description.storagePhase?.storageFeesCollected ?? 0n) : 0n;
}

export function internalMessages(transaction: Transaction): Message[] {
    return [...transaction.outMessages.values()].filter(({ info }) => info.type === 'internal');
}

export function valueOf(message: Message): bigint {
    return message.info.type === 'internal' ? message.info.value.coins : 0n;
}

export function isBounce(message: Message): boolean {
    return message.info.type === 'internal' && message.info.bounced;
}

export function nameOf(message: Message): string {
    const body = message.body.beginParse();
    if (body.remainingBits < 32) return 'nothing';
    return opcodes.get(body.preloadUint(32)) ?? 'unknown';
}

export function reasonOf(message: Message): number {
    const body = message.body.beginParse().skip(32 + 64);
    return body.loadUint(16);
}

export function exitOf({ description }: Transaction): string {
    if (description.type !== 'generic') return '';
    const { computePhase, actionPhase } = description;
    if (computePhase.type === 'skipped') return `(skipped: ${computePhase.reason})`;
    return `(exit ${computePhase.exitCode}, action ${actionPhase?.resultCode ?? '-'})`;
}
