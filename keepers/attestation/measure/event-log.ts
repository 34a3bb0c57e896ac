import { z } from 'zod';
import { replay } from './rtmr';

/** Events of a recorded boot, as dstack and tdx tools print them; what else an event says is not measured. */
const eventLog = z
    .array(
        z.object({
            imr: z.number().int().min(0).max(3),
            digest: z
                .string()
                .regex(/^[0-9a-fA-F]{96}$/)
                .transform((digest) => digest.toLowerCase()),
        }),
    )
    .max(100_000);

export type EventLog = z.infer<typeof eventLog>;

export function parseEventLog(text: string): EventLog {
    return eventLog.parse(JSON.parse(text));
}

export function digestsOf(log: EventLog, register: number): string[] {
    return log.filter(({ imr }) => imr === register).map(({ digest }) => digest);
}

/** Null when nothing of this register was recorded. */
export function recordedRegister(log: EventLog, register: number): string | null {
    const digests = digestsOf(log, register);
    return digests.length === 0 ? null : replay(digests.map((digest) => Buffer.from(digest, 'hex'))).toString('hex');
}
