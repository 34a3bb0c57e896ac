import type { Sender, SenderArguments } from '@ton/core';
import { type Clock, formatTon, systemClock } from '../base';
import { OperatorError } from './errors';

/** What an act says to a person and asks of one; a terminal, blueprint's own, or none. */
export interface ActConsole {
    write(line: string): void;
    confirm(question: string): Promise<boolean>;
}

export interface PlannedMessage {
    /** For people: "open the escrow with 5 TON". */
    what: string;
    message: SenderArguments;
    /** Whether the chain shows what the message does; the next one waits for it. */
    isDone?: () => Promise<boolean>;
}

/** One operator act, worked out against the chain but not yet done. */
export interface ActPlan<Result> {
    title: string;
    /** What will be true afterwards, a line each. */
    summary: string[];
    /** Empty when the chain already shows the result. */
    messages: PlannedMessage[];
    /** The result as the chain shows it, null until it does. */
    readBack(): Promise<Result | null>;
    describe(result: Result): string[];
    /** Notes the result outside the chain, in the deployment file. Not called in a dry run. */
    record?(result: Result): void;
}

export interface RunActOptions {
    console: ActConsole;
    sender: Sender;
    dryRun?: boolean;
    /** Skip the question; for scripts that run unattended. */
    assumeYes?: boolean;
    timeoutMs?: number;
    pollIntervalMs?: number;
    clock?: Clock;
    signal?: AbortSignal;
}

/**
 * Shows what will be sent, asks, sends, and waits until the chain shows the result. Safe to run again: an act whose
 * result is already there sends nothing.
 * @returns the result, or null after a dry run or a "no"
 */
export async function runAct<Result>(plan: ActPlan<Result>, options: RunActOptions): Promise<Result | null> {
    const { console } = options;
    console.write(plan.title);
    for (const line of plan.summary) console.write(`  ${line}`);
    if (plan.messages.length > 0) {
        for (const planned of plan.messages) console.write(`  send ${describeMessage(planned)}`);
        if (options.dryRun) {
            console.write('  dry run: nothing was sent');
            return null;
        }
        if (!options.assumeYes && !(await console.confirm(`Send ${plan.messages.length} message(s)?`))) return null;
        await sendAll(plan, options);
    }
    const result = await waitFor(plan.title, () => plan.readBack(), options);
    if (!options.dryRun) plan.record?.(result);
    for (const line of plan.describe(result)) console.write(`  ${line}`);
    return result;
}

function describeMessage({ what, message }: PlannedMessage): string {
    const opcode = message.body && message.body.bits.length >= 32 ? message.body.beginParse().preloadUint(32) : 0;
    const deploys = message.init ? ', deploys' : '';
    return `${formatTon(message.value)} TON to ${message.to.toString()} (0x${opcode.toString(16).padStart(8, '0')}${deploys}): ${what}`;
}

async function sendAll<Result>({ title, messages }: ActPlan<Result>, options: RunActOptions): Promise<void> {
    for (const { message, isDone } of messages) {
        await options.sender.send(message);
        if (isDone) await waitFor(title, async () => ((await isDone()) ? true : null), options);
    }
}

async function waitFor<Result>(
    title: string,
    look: () => Promise<Result | null>,
    options: RunActOptions,
): Promise<Result> {
    const { clock = systemClock, timeoutMs = 90_000, pollIntervalMs = 1_000, signal } = options;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    for (;;) {
        const result = await look();
        if (result !== null) return result;
        if (clock.monotonicMs() >= deadlineMs) {
            const message = `${title}: sent, but the chain does not show the result after ${timeoutMs / 1000} s; look at the message's transaction in an explorer, then run this again`;
            throw new OperatorError('result_not_seen', message, { action: 'retry' });
        }
        await clock.sleep(pollIntervalMs, signal);
    }
}

/** A sender that only remembers, so that wrappers' `send…` methods can be planned before anything moves. */
export class RecordingSender implements Sender {
    readonly recorded: SenderArguments[] = [];

    constructor(readonly address: Sender['address']) {}

    send(message: SenderArguments): Promise<void> {
        this.recorded.push(message);
        return Promise.resolve();
    }
}

/** Runs `act` against a recording sender and labels the one message it sends. */
export async function planMessage(
    from: Sender['address'],
    what: string,
    act: (via: Sender) => Promise<void>,
): Promise<PlannedMessage> {
    const recorder = new RecordingSender(from);
    await act(recorder);
    const [message, ...others] = recorder.recorded;
    if (message === undefined || others.length > 0) {
        throw new OperatorError('plan_invalid', `${what}: expected one message, got ${recorder.recorded.length}`, {
            action: 'stop',
        });
    }
    return { what, message };
}
