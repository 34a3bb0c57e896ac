import { Address } from '@ton/core';
import { Payout } from '../../wrappers';
import { type Clock, errorMessage, type Logger } from '../base';
import type { Settleable } from '../ledger';
import { SettleableReceipts } from './receipt-sources';
import { codeOf } from './settle-group';
import { type RoundOutcome, SettleRounds } from './settle-round';
import { type SettlerReport, summaryOfBoth } from './settlement-summary';
import type { SettlerOptions } from './settler-options';
import type { UnreadableLog } from './unreadable-log';

export interface SettlerOutcome extends RoundOutcome {
    summary: SettlerReport;
}

/**
 * A node that serves several hubs has receipts of each in one log: one round after the other settles them, each at its
 * own hub, out of one wallet and one budget. A hub that can't be settled at keeps no other from it.
 */
export class HubRounds {
    /** By raw address; each remembers what it learnt of its hub's lines and costs. */
    private readonly rounds = new Map<string, SettleRounds>();
    private readonly receipts: SettleableReceipts;

    constructor(
        private readonly options: SettlerOptions,
        private readonly place: { clock: Clock; logger: Logger },
    ) {
        this.receipts = new SettleableReceipts(options);
    }

    /** @throws what settling at the home hub throws, once the others had their round */
    async run(force: boolean, signal: AbortSignal): Promise<SettlerOutcome> {
        const { settleables: all, unreadable } = await this.receipts.read();
        this.warnOf(unreadable);
        const byHub = await this.byHub(all);
        const home = this.options.hub.toRawString();
        const others: RoundOutcome[] = [];
        const failures: string[] = [];
        for (const [hub, settleables] of byHub) {
            if (hub === home) continue;
            const outcome = await this.roundsAt(hub)
                .run(settleables, { force, signal })
                .catch((error: unknown) => this.failed(hub, error));
            if (typeof outcome === 'string') failures.push(outcome);
            else others.push(outcome);
        }
        const outcome = await this.roundsAt(home).run(byHub.get(home) ?? [], { force, signal });
        outcome.summary.failures.push(...failures, ...unreadable.map(({ code }) => code));
        const { summary, nextTurnSec } = others.reduce(together, outcome);
        return { summary: { ...summary, unreadableLogs: unreadable }, nextTurnSec };
    }

    private warnOf(unreadable: readonly UnreadableLog[]): void {
        for (const { code, message } of unreadable)
            this.place.logger.warn(
                { code, error: message },
                'the log of a node cannot be read: the others are settled',
            );
    }

    private failed(hub: string, error: unknown): string {
        const code = codeOf(error);
        this.place.logger.warn({ hub, code, error: errorMessage(error) }, 'settling at this hub failed');
        return code;
    }

    private roundsAt(hub: string): SettleRounds {
        const known = this.rounds.get(hub);
        if (known !== undefined) return known;
        const contract = this.options.client.open(Payout.createFromAddress(Address.parseRaw(hub)));
        const rounds = new SettleRounds(this.options, { ...this.place, hub: contract });
        this.rounds.set(hub, rounds);
        return rounds;
    }

    /**
     * A dispatcher's ledger is of its hub; what a node's log holds of an escrow that is nowhere, home counts as unknown, and
     * so does it one that can't be read.
     */
    private async byHub(settleables: readonly Settleable[]): Promise<Map<string, Settleable[]>> {
        const { hub: home, reader, nodeLogFiles } = this.options;
        if (!nodeLogFiles?.length) return new Map([[home.toRawString(), [...settleables]]]);
        const byHub = new Map<string, Settleable[]>();
        for (const one of settleables) {
            const hub = await reader.hubOfEscrow(new Address(0, one.escrow)).catch(() => home);
            const raw = (hub ?? home).toRawString();
            const known = byHub.get(raw);
            if (known === undefined) byHub.set(raw, [one]);
            else known.push(one);
        }
        return byHub;
    }
}

function together(a: RoundOutcome, b: RoundOutcome): RoundOutcome {
    const turns = [a.nextTurnSec, b.nextTurnSec].filter((sec) => sec !== null);
    return {
        summary: summaryOfBoth(a.summary, b.summary),
        nextTurnSec: turns.length === 0 ? null : Math.min(...turns),
    };
}
