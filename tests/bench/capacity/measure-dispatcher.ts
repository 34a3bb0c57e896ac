import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../../keepers/base';
import { finishEnvelope, KemKeyring, prepareRequest } from '../../../keepers/confidential';
import { openDispatchLedger } from '../../../keepers/ledger';
import { digestOf, escrowAt, network, nodeSigner, sessionAt } from './places';
import { rounded } from './quantiles';
import { escrowCount, nodeCount } from './size';

export interface DispatcherFigures {
    nodes: number;
    escrows: number;
    /** From opening the ledger until every node is connected, their dialling and signing included. */
    startupSeconds: number;
    listeningSeconds: number;
    /** The dispatcher's thread, of one admission: all but the signature, which another thread verifies, and the disk. */
    admitP50Micros: number;
    admitP99Micros: number;
    /** From beginning to end, the signature's verification included. */
    admitLatencyP50Micros: number;
    admitLatencyP99Micros: number;
    /** With the ledger's transaction, in a file in memory. */
    admitDurableP50Micros: number;
    directoryMs: number;
    /** The most that the dispatcher's process held. */
    memoryMb: number;
}

const admissions = 5_000;
/** Nodes that the requests are sealed to; a dispatcher looks at the key alone. */
const recipients = 50;
/** A ledger in memory has everything but the disk. */
const memoryFolder = '/dev/shm';

/** A dispatcher with 100 000 escrows in its ledger that starts, takes 10 000 nodes back and admits requests. */
export async function measureDispatcher(): Promise<DispatcherFigures> {
    const folder = mkdtempSync(path.join(existsSync(memoryFolder) ? memoryFolder : tmpdir(), 'cocoon-capacity-'));
    const children: ChildProcess[] = [];
    const start = (name: string, ...args: string[]) => {
        const child = fork(path.join(__dirname, name), args, { serialization: 'advanced' });
        children.push(child);
        return child;
    };
    try {
        const file = path.join(folder, 'ledger.sqlite');
        await fillLedger(file);
        const crowd = start('crowd-process.ts');
        await next(crowd, 'ready');
        const dispatcher = start('dispatcher-process.ts', file);
        const { url, listeningSeconds } = await next(dispatcher, 'url');
        crowd.send({ url });
        const { startupSeconds } = await next(dispatcher, 'startupSeconds');
        dispatcher.send({ envelopes: await sealMany(), keys: allKeys() });
        const figures = await next(dispatcher, 'admitP99Micros');
        return {
            ...(figures as unknown as DispatcherFigures),
            startupSeconds: rounded(startupSeconds as number, 2),
            listeningSeconds: rounded(listeningSeconds as number, 2),
        };
    } finally {
        for (const child of children) child.kill('SIGKILL');
        rmSync(folder, { recursive: true, force: true });
    }
}

/** The next message that has the field. */
async function next(child: ChildProcess, field: string): Promise<Record<string, unknown>> {
    for (;;) {
        const exit = once(child, 'exit').then(([code]) => {
            throw new Error(`a process of the bench ended with ${String(code)} before it said "${field}"`);
        });
        const [message] = (await Promise.race([once(child, 'message'), exit])) as [Record<string, unknown>];
        if (field in message) return message;
        if ('lost' in message) throw new Error(`a node was lost: ${String(message['lost'])}`);
    }
}

/** One request of every escrow, a twentieth of them still running when the dispatcher stopped. */
async function fillLedger(file: string): Promise<void> {
    const ledger = await openDispatchLedger({ file });
    for (let first = 0; first < escrowCount; first += 500) {
        const batch = Array.from({ length: 500 }, (_unused, offset) => recordOf(first + offset));
        await Promise.all(batch.map((record) => ledger.recordCap(record)));
        const over = batch.filter((_record, offset) => offset % 20 !== 0);
        const atMs = systemClock.nowMs();
        await Promise.all(over.map(({ requestId }) => ledger.closeRequest(requestId, 'refused', { atMs })));
    }
    await ledger.close();
}

function recordOf(index: number) {
    return {
        requestId: digestOf(`request ${index}`).subarray(0, 16),
        escrow: escrowAt(index),
        epoch: 1,
        nodeKey: digestOf(`node key ${index % nodeCount}`),
        sessionKey: digestOf(`session key ${index}`),
        requestHash: digestOf(`hash ${index}`),
        offerHash: digestOf('offer'),
        capCumulativeNano: 1_000n,
        capSignature: Buffer.alloc(64, 1),
        funds: { balanceNano: 10n ** 12n, paidNano: new Map() },
        atMs: systemClock.nowMs(),
    };
}

/** Escrow and session key in hex, of every escrow. */
function allKeys(): [escrow: string, key: string][] {
    return Array.from({ length: escrowCount }, (_unused, index) => [
        escrowAt(index).toString('hex'),
        sessionAt(index).publicKey.toString('hex'),
    ]);
}

/** Requests of escrows spread over all, in base64. */
async function sealMany(): Promise<string[]> {
    const certificates = await Promise.all(
        Array.from({ length: recipients }, async (_unused, index) => {
            const keyring = new KemKeyring({ network, signer: nodeSigner(index), clock: systemClock, suites: [2] });
            await keyring.tick();
            return keyring.certificates()[0]!;
        }),
    );
    const sealed: string[] = [];
    for (let index = 0; index < admissions; index++) {
        const context = {
            escrow: escrowAt(index * 19),
            epoch: 1,
            offerHash: digestOf('offer'),
            requestId: randomBytes(16),
            deadlineMs: systemClock.nowMs() + 600_000,
            allowanceNano: 10_000n,
        };
        const inner = {
            method: 'POST',
            path: '/v1/chat/completions',
            headers: {},
            body: Buffer.from('{"model":"toy"}'),
        };
        const certificate = certificates[index % recipients]!;
        const prepared = await prepareRequest({ context, inner, certificate });
        sealed.push(finishEnvelope(prepared, sessionAt(index * 19), 10_000n).toString('base64'));
    }
    return sealed;
}
