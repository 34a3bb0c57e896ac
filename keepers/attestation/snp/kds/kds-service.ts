import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { systemClock, type Clock } from '../../../base';
import { AttestationError } from '../../errors';
import type { SnpCertificates } from '../verify/chain';
import type { KdsClient } from './kds-client';
import { expiryOf, partName, type KdsPart, type KdsPartKind } from './kds-part';
import type { AuthorityNeeds, EndorsementNeeds } from './needs';

export interface KdsServiceOptions {
    /** Absent: offline, only what the folder holds is served. */
    client?: Pick<KdsClient, 'fetchVcek' | 'fetchChain' | 'fetchCrl'>;
    /** Keeps answers across restarts; filled by hand, it serves machines without a way to the service. */
    cacheFolder?: string;
    clock?: Clock;
    /** A revocation list older than this is fetched again, though it serves as long as it is in force. */
    refreshAfterMs?: number;
    /** After a failure, no further try before this, doubling up to the hour. */
    firstBackOffMs?: number;
    /** Parts remembered; the one longest unused gives way. */
    maxParts?: number;
}

interface Slot {
    part: KdsPart | null;
    pending: Promise<KdsPart> | null;
    failures: number;
    /** By the monotonic clock. */
    notBeforeMs: number;
}

const hourMs = 3_600_000;

/**
 * Certificates and revocation lists of AMD's, from a service or from disk: cached until they lapse, lists fetched again in
 * good time, and served while the service is down for as long as they are in force. Whatever it hands out is verified with
 * each report, so neither the service nor whoever writes to the folder can make a verifier accept anything.
 */
export class KdsService {
    private readonly slots = new Map<string, Slot>();
    private readonly clock: Clock;

    constructor(private readonly options: KdsServiceOptions) {
        this.clock = options.clock ?? systemClock;
    }

    /** All that judges a report, by `endorsementNeeds` of it. */
    async certificatesFor(needs: EndorsementNeeds): Promise<SnpCertificates> {
        const { line, chip } = needs;
        if (chip === null) {
            const why = 'the service has no key of a provider, nor of a chip that is not named: give its certificate';
            throw new AttestationError('collateral_unavailable', why);
        }
        const vek = this.partFor('vcek', needs, (client) => client.fetchVcek(line, chip));
        // All are awaited, so that no request outlives the call that made it.
        const [leaf, authorities] = await Promise.allSettled([vek, this.authoritiesFor(needs)]);
        if (leaf.status === 'rejected') throw leaf.reason;
        if (authorities.status === 'rejected') throw authorities.reason;
        return { vek: leaf.value.bytes, ...authorities.value };
    }

    /** Chain and revocation list alone, where the certificate of the endorsement key comes with the report. */
    async authoritiesFor(needs: AuthorityNeeds): Promise<{ chain: string; crl: Buffer }> {
        const [chain, crl] = await Promise.allSettled([
            this.partFor('chain', needs, async (client) => Buffer.from(await client.fetchChain(needs), 'latin1')),
            this.crlFor(needs),
        ]);
        if (chain.status === 'rejected') throw chain.reason;
        if (crl.status === 'rejected') throw crl.reason;
        return { chain: chain.value.bytes.toString('latin1'), crl: crl.value };
    }

    /** The root's revocation list alone: all that must not come from the prover, who would choose an old one. */
    async crlFor(needs: AuthorityNeeds): Promise<Buffer> {
        return (await this.partFor('crl', needs, (client) => client.fetchCrl(needs))).bytes;
    }

    private async partFor(kind: KdsPartKind, needs: AuthorityNeeds, fetch: FetchPart): Promise<KdsPart> {
        const name = partName(kind, needs);
        const slot = await this.slot(kind, name);
        const now = this.clock.nowMs();
        const held = slot.part !== null && slot.part.expiresAtMs > now ? slot.part : null;
        // What was fetched while the clock was ahead would pass for fresh until then.
        const ageMs = now - (held?.fetchedAtMs ?? 0);
        const isFresh = kind !== 'crl' || (ageMs >= 0 && ageMs < (this.options.refreshAfterMs ?? 6 * hourMs));
        if (held && (isFresh || !this.mayFetch(slot))) return held;
        try {
            return await this.fetchOnce(slot, { kind, name, fetch });
        } catch (error) {
            if (held) return held;
            throw error;
        }
    }

    private mayFetch(slot: Slot): boolean {
        return (
            this.options.client !== undefined && (slot.pending !== null || this.clock.monotonicMs() >= slot.notBeforeMs)
        );
    }

    /** Callers that ask at the same time share one request. */
    private fetchOnce(slot: Slot, what: FetchOf): Promise<KdsPart> {
        if (!this.mayFetch(slot)) {
            const why = this.options.client ? 'failed a moment ago and is not asked again yet' : 'is not configured';
            const message = `no ${what.kind} in force is held, and the key distribution service ${why}`;
            throw new AttestationError('collateral_unavailable', message);
        }
        slot.pending ??= this.fetchPart(slot, what).finally(() => {
            slot.pending = null;
        });
        return slot.pending;
    }

    private async fetchPart(slot: Slot, { kind, name, fetch }: FetchOf): Promise<KdsPart> {
        try {
            const bytes = await fetch(this.options.client!);
            const now = this.clock.nowMs();
            const part = { bytes, fetchedAtMs: now, expiresAtMs: requireInForce(kind, bytes, now) };
            Object.assign(slot, { part, failures: 0, notBeforeMs: 0 });
            await this.save(name, bytes);
            return part;
        } catch (error) {
            slot.failures++;
            const backOffMs = Math.min(hourMs, (this.options.firstBackOffMs ?? 5_000) * 2 ** (slot.failures - 1));
            slot.notBeforeMs = this.clock.monotonicMs() + backOffMs;
            throw error;
        }
    }

    private async slot(kind: KdsPartKind, name: string): Promise<Slot> {
        const known = this.slots.get(name);
        const slot = known ?? { part: await this.load(kind, name), pending: null, failures: 0, notBeforeMs: 0 };
        // While the file was read another caller may have come this far.
        const current = this.slots.get(name) ?? slot;
        this.slots.delete(name);
        if (this.slots.size >= (this.options.maxParts ?? 1024)) this.slots.delete(this.slots.keys().next().value!);
        this.slots.set(name, current);
        return current;
    }

    /** Null for what is not there, and for a file that is not of its kind: the service has a better one. */
    private async load(kind: KdsPartKind, name: string): Promise<KdsPart | null> {
        const { cacheFolder } = this.options;
        if (cacheFolder === undefined) return null;
        try {
            const file = path.join(cacheFolder, name);
            const [bytes, { mtimeMs }] = await Promise.all([readFile(file), stat(file)]);
            // A file from the future would pass for fresh until then.
            const fetchedAtMs = mtimeMs <= this.clock.nowMs() ? mtimeMs : 0;
            return { bytes, fetchedAtMs, expiresAtMs: expiryOf(kind, bytes) };
        } catch {
            return null;
        }
    }

    private async save(name: string, bytes: Buffer): Promise<void> {
        const { cacheFolder } = this.options;
        if (cacheFolder === undefined) return;
        try {
            await mkdir(cacheFolder, { recursive: true });
            // A reader never meets half a file.
            await writeFile(path.join(cacheFolder, `${name}.new`), bytes);
            await rename(path.join(cacheFolder, `${name}.new`), path.join(cacheFolder, name));
        } catch (error) {
            throw new AttestationError('file_unusable', `${cacheFolder} cannot be written to`, error);
        }
    }
}

type FetchPart = (client: NonNullable<KdsServiceOptions['client']>) => Promise<Buffer>;

interface FetchOf {
    kind: KdsPartKind;
    name: string;
    fetch: FetchPart;
}

function requireInForce(kind: KdsPartKind, bytes: Buffer, now: number): number {
    let expiresAtMs: number;
    try {
        expiresAtMs = expiryOf(kind, bytes);
    } catch (error) {
        const message = `the key distribution service serves an unreadable ${kind}`;
        throw new AttestationError('collateral_malformed', message, error);
    }
    if (expiresAtMs > now) return expiresAtMs;
    throw new AttestationError('collateral_malformed', `the key distribution service serves a ${kind} out of force`);
}
