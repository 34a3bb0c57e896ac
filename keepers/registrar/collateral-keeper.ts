import type { OpenedContract } from '@ton/core';
import { type CollateralService, revocationListIssuedAt } from '../attestation';
import { type Clock, errorMessage, type Logger } from '../base';
import type { ChainClient } from '../chain';
import type { OutboxSender, StateOf } from '../outbox';
import type { CollateralPiece, RegistrarMetrics } from '../telemetry';
import type { HeldCollateral, HeldQeIdentity, HeldRevocationList, HeldTcbInfo, QuoteVerifier } from '../../wrappers';
import { type Family, isDue, type Piece, piecesOf } from './pieces';
import { isPosted, postIntent, postKind } from './post-intent';
import { postPiece } from './post-piece';

export interface CollateralKeeperOptions {
    client: ChainClient;
    /** Pays for postings; what they don't need comes back. */
    sender: Pick<OutboxSender, 'sender' | 'reconcile'>;
    verifier: OpenedContract<QuoteVerifier>;
    service: Pick<CollateralService, 'collateralFor'>;
    families: readonly Family[];
    /** A piece with less time left is replaced as soon as a newer one is at hand. */
    renewBeforeMs: number;
    /** A piece with less time left than this that could not be replaced is cause for alarm. */
    alarmBeforeMs: number;
    intervalMs: number;
    metrics?: RegistrarMetrics;
    clock: Clock;
    logger: Logger;
}

export interface KeepingSummary {
    posted: { kind: Piece['kind']; of: string }[];
    /** What could not be fetched or posted: tried again at the next round. */
    failures: string[];
}

/**
 * Keeps Intel's collateral on chain in force, so that quotes can be verified there. Anyone may run one, and several may run side by side: the
 * contract takes a piece once and gives the money of the second posting back.
 */
export class CollateralKeeper {
    private readonly stopping = new AbortController();
    private loop: Promise<void> | undefined;

    constructor(private readonly options: CollateralKeeperOptions) {}

    start(): void {
        this.loop ??= this.run();
    }

    /** Finishes what is under way. */
    async stop(): Promise<void> {
        this.stopping.abort();
        await this.loop;
    }

    /** One look at every family. */
    async keepOnce(): Promise<KeepingSummary> {
        const summary: KeepingSummary = { posted: [], failures: [] };
        await this.options.sender.reconcile(postKind, this.stateOf);
        for (const family of this.options.families) {
            await this.attempt(family.fmspc.toString('hex'), summary, () => this.keepFamily(family, summary));
        }
        await this.alarm();
        this.options.metrics?.round(summary.failures.length);
        return summary;
    }

    private async keepFamily(family: Family, summary: KeepingSummary): Promise<void> {
        const { service, verifier, sender, client, renewBeforeMs, logger } = this.options;
        const needs = { tee: 'tdx', authority: family.authority, fmspc: family.fmspc.toString('hex') } as const;
        const fresh = await service.collateralFor(needs);
        const at = new Date((await client.getChainTimeSec()) * 1000);
        const pieces = piecesOf(family, fresh, await verifier.getCollateral(), revocationListIssuedAt);
        for (const piece of pieces.filter((one) => isDue(one, at, renewBeforeMs))) {
            const { kind, of } = piece;
            await this.attempt(`${kind}, ${of}`, summary, async () => {
                await postPiece(verifier, sender.sender(postIntent(piece), this.stateOf), kind, fresh);
                summary.posted.push({ kind, of });
                this.options.metrics?.post(kind);
                logger.info({ kind, of }, 'collateral posted');
            });
        }
    }

    private readonly stateOf: StateOf = async ({ payload }) =>
        isPosted(await this.options.verifier.getCollateral(), payload) ? 'done' : 'undone';

    /** What fails for one piece, as when another registrar was first, keeps no other from being posted. */
    private async attempt(what: string, summary: KeepingSummary, act: () => Promise<void>): Promise<void> {
        try {
            await act();
        } catch (error) {
            const failure = `${what}: ${errorMessage(error)}`;
            summary.failures.push(failure);
            this.options.logger.warn({ failure }, 'collateral not kept; tried again soon');
        }
    }

    /** Stale collateral refuses every quote of its family: somebody should know before. */
    private async alarm(): Promise<void> {
        const { verifier, client, alarmBeforeMs, logger } = this.options;
        const held = await verifier.getCollateral();
        this.options.metrics?.held(piecesHeld(held));
        const limit = (await client.getChainTimeSec()) * 1000 + alarmBeforeMs;
        for (const piece of [...held.tcbInfos, ...held.qeIdentities, ...held.revocationLists]) {
            if (piece.expiresAt.getTime() > limit) continue;
            const what = nameOf(piece);
            logger.error({ what, expiresAt: piece.expiresAt.toISOString() }, 'collateral on chain runs out soon');
        }
    }

    private async run(): Promise<void> {
        const { clock, intervalMs, logger } = this.options;
        const { signal } = this.stopping;
        while (!signal.aborted) {
            await clock.sleep(intervalMs, signal).catch(() => undefined);
            if (signal.aborted) return;
            await this.keepOnce().catch((error: unknown) => {
                this.options.metrics?.failed();
                logger.warn({ error: errorMessage(error) }, 'keeping collateral failed; tried again soon');
            });
        }
    }
}

function piecesHeld(held: HeldCollateral): CollateralPiece[] {
    return [
        ...held.tcbInfos.map(({ expiresAt }) => ({ kind: 'tcb_info' as const, expiresAt })),
        ...held.qeIdentities.map(({ expiresAt }) => ({ kind: 'qe_identity' as const, expiresAt })),
        ...held.revocationLists.map(({ expiresAt }) => ({ kind: 'revocation_list' as const, expiresAt })),
    ];
}

function nameOf(piece: HeldTcbInfo | HeldQeIdentity | HeldRevocationList): string {
    if ('fmspc' in piece) return `TCB info of ${piece.fmspc.toString('hex')}, evaluation ${piece.evaluation}`;
    return 'authority' in piece
        ? `revocation list of the ${piece.authority} authority`
        : `QE identity, evaluation ${piece.evaluation}`;
}
