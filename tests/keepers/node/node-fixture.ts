import path from 'node:path';
import { ManualClock } from '../../../keepers/base';
import { EscrowBook, type EscrowAccount } from '../../../keepers/dispatch';
import { NodeLog, type NodeLogEntry, scanNodeLog } from '../../../keepers/ledger';
import type { Engine, EngineEvent, EngineRequest, EngineUsage } from '../../../keepers/node/engine';
import { RequestGate, type RequestGateOptions } from '../../../keepers/node/request-gate';
import { network, node, nowMs, offer, account, keyringOf } from '../dispatch/sealed-request';

export type Script = (request: EngineRequest, signal: AbortSignal) => AsyncGenerator<EngineEvent>;

/** An engine that says what the test has it say. */
export class ScriptedEngine implements Engine {
    readonly maxConcurrency = 4;
    runs = 0;

    constructor(private readonly script: Script) {}

    describe = () => Promise.resolve([]);
    run(request: EngineRequest, signal: AbortSignal): AsyncIterable<EngineEvent> {
        this.runs += 1;
        return this.script(request, signal);
    }
    health = () => Promise.resolve({ ok: true, detail: '' });
    close = () => Promise.resolve();
}

export const head: EngineEvent = { type: 'head', status: 200, headers: { 'Content-Type': 'text/plain', server: 'x' } };
export const tokens = (completionTokens: number): EngineUsage => ({
    promptTokens: 10,
    cachedPromptTokens: 0,
    completionTokens,
    reasoningTokens: 0,
});
export const chunk = (text: string, completionTokens?: number): EngineEvent => ({
    type: 'chunk',
    data: Buffer.from(text),
    ...(completionTokens !== undefined && { usage: tokens(completionTokens) }),
});
export const end = (completionTokens: number): EngineEvent => ({ type: 'end', usage: tokens(completionTokens) });

export interface GateParts {
    gate: RequestGate;
    clock: ManualClock;
    setAccount: (account: EscrowAccount | null | Error) => void;
}

export async function gateOf(overrides: Partial<RequestGateOptions> = {}): Promise<GateParts> {
    const clock = new ManualClock(nowMs);
    let current: EscrowAccount | null | Error = account();
    const read = async () => {
        if (current instanceof Error) throw current;
        return current;
    };
    const book = new EscrowBook({ read, clock });
    const gate = new RequestGate({
        network,
        nodeKey: node.publicKey,
        keyring: overrides.keyring ?? (await keyringOf(node, clock)),
        bookOf: () => book,
        offers: () => [offer],
        creditLineNano: 1n << 80n,
        clock,
        ...overrides,
    });
    return { gate, clock, setAccount: (next) => (current = next) };
}

export function openLog(folder: string): Promise<{ log: NodeLog; entries: () => Promise<NodeLogEntry[]> }> {
    const file = path.join(folder, `${Math.random()}.log`);
    const entries = async () => {
        const found: NodeLogEntry[] = [];
        await scanNodeLog(file, (entry) => found.push(entry));
        return found;
    };
    return NodeLog.open(file).then((log) => ({ log, entries }));
}
