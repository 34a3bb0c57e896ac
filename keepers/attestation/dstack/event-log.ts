import { z } from 'zod';
import { replay, sha384 } from '../measure/rtmr';
import { checkReport } from './check-codes';

/** Of events that dstack's guest extends at run time; the others are the firmware's. */
const runtimeEventType = 0x08000001;
const runtimeRegister = 3;

const eventSchema = z.object({
    imr: z.int().min(0).max(3),
    event_type: z.int().min(0).max(0xffff_ffff),
    /** Left out by guests that expect the reader to compute it. */
    digest: z.string().regex(/^(?:[0-9a-fA-F]{96})?$/),
    event: z.string().max(256),
    event_payload: z
        .string()
        .max(128 * 1024)
        .regex(/^(?:[0-9a-fA-F]{2})*$/),
    version: z.literal([1, 2]).optional(),
});
const eventLogSchema = z.array(eventSchema).max(4096);

type Event = z.output<typeof eventSchema>;

/** What the guest measured of itself before it started the application, in hex; null where it did not say. */
export interface DstackDeployment {
    appId: string | null;
    composeHash: string | null;
    instanceId: string | null;
    osImageHash: string | null;
}

/** RTMR3 as the log says it was extended, in hex, and what the log's events name. */
export interface ReplayedLog extends DstackDeployment {
    rtmr3: string;
}

/** @throws DstackFailure `dstack_event_log` or `dstack_event_digest` */
export function replayEventLog(log: string | unknown[]): ReplayedLog {
    const events = parseEvents(log).filter(({ imr }) => imr === runtimeRegister);
    const digests = events.map(digestOf);
    // The application can extend the register too, under any name: only what came first is the guest's own word.
    const first = (name: string) => events.find(({ event }) => event === name)?.event_payload ?? null;
    return {
        rtmr3: replay(digests).toString('hex'),
        appId: first('app-id')?.toLowerCase() ?? null,
        composeHash: first('compose-hash')?.toLowerCase() ?? null,
        instanceId: first('instance-id')?.toLowerCase() ?? null,
        osImageHash: first('os-image-hash')?.toLowerCase() ?? null,
    };
}

function parseEvents(log: string | unknown[]): Event[] {
    try {
        return eventLogSchema.parse(typeof log === 'string' ? JSON.parse(log) : log);
    } catch {
        checkReport(false, 'dstack_event_log', 'the event log is not a list of events as dstack writes them');
    }
}

/**
 * Whoever shows a log may write beside a digest what he likes, unless the digest is of it and of nothing else: so RTMR3 takes
 * run-time events alone, and no name with a colon, which would let a payload's beginning pass for a part of the name.
 */
function digestOf(event: Event): Buffer {
    checkReport(
        event.event_type === runtimeEventType && !event.event.includes(':'),
        'dstack_event_digest',
        'RTMR3 has an event whose digest leaves open what it says: of another type, or with a colon in its name',
    );
    const declared = Buffer.from(event.digest, 'hex');
    const computed = preimages(event).map((preimage) => sha384(preimage));
    if (declared.length === 0) return computed[0]!;
    const match = computed.find((digest) => digest.equals(declared));
    checkReport(match !== undefined, 'dstack_event_digest', `the digest of event "${event.event}" is of another event`);
    return match;
}

/**
 * What a run-time event's digest is of. Version 1: type, little-endian | ":" | name | ":" | payload. Version 2: canonical
 * JSON. A log that does not say its version may be of either.
 */
function preimages({ event, event_payload: payload, version }: Event): Buffer[] {
    const type = Buffer.alloc(4);
    type.writeUInt32LE(runtimeEventType);
    const first = Buffer.concat([type, Buffer.from(`:${event}:`, 'utf8'), Buffer.from(payload, 'hex')]);
    // JSON.stringify writes strings and integers as RFC 8785 wants them; the keys stand in its order.
    const canonical = JSON.stringify({ name: event, payload: payload.toLowerCase(), type: runtimeEventType });
    const second = Buffer.from(canonical, 'utf8');
    if (version === undefined) return [first, second];
    return [version === 1 ? first : second];
}
