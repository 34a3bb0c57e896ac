import type { WebSocket } from 'ws';
import { LinkWriter, messagesIn } from '../../../keepers/dispatch';
import { Coalescer } from '../../../keepers/node/coalescer';
import { gatherMs } from '../../../keepers/node/dispatcher-link';
import { sayEvents, tokenEvent } from './engine-events';
import { quantile } from './quantile';

const streams = 64;
const shape = { events: 200, intervalMs: 20 };
const idBytes = 2;

/** When the events of one stream came: those that come together have no gap between them. */
class Gaps {
    readonly gapsMs: number[] = [];
    private lastMs: number | undefined;

    note(events: number): void {
        const nowMs = performance.now();
        if (this.lastMs !== undefined && events > 0) this.gapsMs.push(nowMs - this.lastMs);
        for (let more = 1; more < events; more++) this.gapsMs.push(0);
        this.lastMs = nowMs;
    }
}

/**
 * What coalescing alone adds to the gap between tokens at p99: the node's own coalescer and link writer, fed with the events of 64
 * streams at 50 a second, without a hop, a seal or a socket behind them.
 */
export async function measureCoalescing(): Promise<number> {
    const before = Array.from({ length: streams }, () => new Gaps());
    const after = Array.from({ length: streams }, () => new Gaps());
    const writer = new LinkWriter(countingSocket(after), { gatherMs });
    await Promise.all(before.map((gaps, index) => saySpread(gaps, index, writer)));
    await new Promise((resolve) => setTimeout(resolve, 2 * gatherMs));
    const p99 = (all: Gaps[]) =>
        quantile(
            all.flatMap(({ gapsMs }) => gapsMs),
            0.99,
        );
    return p99(after) - p99(before);
}

async function saySpread(gaps: Gaps, index: number, writer: LinkWriter): Promise<void> {
    const id = Buffer.alloc(idBytes);
    id.writeUInt16BE(index);
    let begun = false;
    const coalescer = new Coalescer((batch) => {
        writer.post([operation, id, batch], begun ? 'soon' : 'now');
        begun = true;
    });
    await new Promise((resolve) => setTimeout(resolve, (index * 1_000) / streams));
    await new Promise<void>((resolve) => {
        const say = (event: Buffer) => {
            gaps.note(1);
            coalescer.add(event);
        };
        sayEvents(shape, say, () => {
            coalescer.flush();
            resolve();
        });
    });
}

const operation = Buffer.from([17]);

/** The end of the line: counts the events of each stream. */
function countingSocket(after: readonly Gaps[]): WebSocket {
    const socket = {
        OPEN: 1,
        readyState: 1,
        bufferedAmount: 0,
        once: () => socket,
        send: (data: Buffer) => {
            for (const message of messagesIn(data)!) {
                const events = (message.length - 1 - idBytes) / tokenEvent.length;
                after[message.readUInt16BE(1)]!.note(events);
            }
        },
    };
    return socket as unknown as WebSocket;
}
