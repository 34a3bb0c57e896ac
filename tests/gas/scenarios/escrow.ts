import { toNano } from '@ton/core';
import { testKey } from '../../contracts/support/ed25519';
import { closeDelaySec, createSettlement, SettlementEnvironment } from '../../contracts/support/settlement-environment';
import { Operation } from './scenario';

/** Every time but the first: the account is there, and its reserve is full. */
export async function openEscrow(): Promise<Operation> {
    const env = await createSettlement();
    await close(env);
    await env.escrow.sendWithdraw(env.client.getSender());
    return { blockchain: env.blockchain, result: await env.open() };
}

export async function topUp(): Promise<Operation> {
    const env = await createSettlement();
    const result = await env.escrow.sendTopUp(env.client.getSender(), { valueNano: toNano('1') });
    return { blockchain: env.blockchain, result };
}

export async function setSession(): Promise<Operation> {
    const env = await createSettlement();
    const session = { sessionKey: testKey('next session').publicKey, sessionExpiresAt: env.blockchain.now! + 86_400 };
    const result = await env.escrow.sendSetSession(env.client.getSender(), session);
    return { blockchain: env.blockchain, result };
}

export async function closeEscrow(): Promise<Operation> {
    const env = await createSettlement();
    return { blockchain: env.blockchain, result: await env.escrow.sendClose(env.client.getSender()) };
}

export async function withdraw(): Promise<Operation> {
    const env = await createSettlement();
    await close(env);
    return { blockchain: env.blockchain, result: await env.escrow.sendWithdraw(env.client.getSender()) };
}

async function close(env: SettlementEnvironment): Promise<void> {
    await env.escrow.sendClose(env.client.getSender());
    env.at(env.blockchain.now! + closeDelaySec + 1);
}
