import { randomBytes } from 'node:crypto';
import { type Clock, nowSec } from '../base';
import { type ParsedEnvelope } from './envelope';
import { ConfidentialError, misuse } from './errors';
import { generateKemKeyPair, type HpkeOpener, hpkeOpener, type RandomSource, type Suite } from './hpke';
import { hasBegun, issueKemCertificate, type KemCertificate } from './kem-certificate';
import { openRequest, type OpenedRequest } from './request';
import { type Signer } from './signing';

const usedSec = 30 * 60;
const validSec = 60 * 60;
const keptSec = 90 * 60;

export interface KemKeyringOptions {
    network: Buffer;
    /** the node's signing key */
    signer: Signer;
    clock: Clock;
    /** one key of each at a time; X-Wing alone unless said otherwise */
    suites?: readonly Suite[];
    /** how many requests a key remembers; beyond that it serves no more */
    replayCapacity?: number;
    random?: RandomSource;
}

interface KemKey {
    certificate: KemCertificate;
    /** Holds the private key, expanded once for all requests. */
    opener: HpkeOpener;
    bornSec: number;
    /** `h` of every request that was opened with this key */
    opened: Set<string>;
}

/**
 * A node's KEM keys: a new one every 30 minutes, certified for 60, erased at 90, so that what was sealed to it cannot be
 * opened afterwards by anyone. Each key remembers what it opened, for as long as it could open it again.
 */
export class KemKeyring {
    private keys: KemKey[] = [];
    private nextEpoch = 1;
    private rotation: Promise<boolean> | undefined;
    private closed = false;
    private readonly suites: readonly Suite[];
    private readonly replayCapacity: number;

    constructor(private readonly options: KemKeyringOptions) {
        this.suites = options.suites ?? [1];
        this.replayCapacity = options.replayCapacity ?? 1_000_000;
        if (this.suites.length === 0) throw misuse('a keyring needs a suite');
    }

    /**
     * Erases what is too old and makes a new key when the newest has been used for 30 minutes. Call it at the start and
     * then about once a minute. True: the certificates have changed, publish them.
     */
    tick(): Promise<boolean> {
        this.rotation ??= this.rotate().finally(() => (this.rotation = undefined));
        return this.rotation;
    }

    /** Certificates that are valid now, newest first. */
    certificates(): KemCertificate[] {
        const now = this.eraseOld();
        return this.keys
            .map(({ certificate }) => certificate)
            .filter(({ notBeforeSec, notAfterSec }) => hasBegun(notBeforeSec, now) && now < notAfterSec);
    }

    /** Opens a request once: a second time it is `request_replayed`. */
    async open(envelope: ParsedEnvelope): Promise<OpenedRequest> {
        const key = this.find(envelope);
        const id = envelope.requestHash.toString('latin1');
        this.refuseReplay(key, id);
        const certificateHash = key.certificate.hash;
        const request = await openRequest({ envelope, opener: key.opener, certificateHash });
        // Asked again, for two copies may have been opened at the same time. A forged copy never gets here, so nobody
        // without the session's content key can use up an `h`.
        this.refuseReplay(key, id);
        key.opened.add(id);
        return request;
    }

    /** Erases every key, for good. */
    close(): void {
        this.closed = true;
        for (const key of this.keys) erase(key);
        this.keys = [];
    }

    private find({ context }: ParsedEnvelope): KemKey {
        this.eraseOld();
        const key = this.keys.find(
            ({ certificate }) => certificate.kemEpoch === context.kemEpoch && certificate.suite === context.suite,
        );
        if (key) return key;
        throw new ConfidentialError('kem_epoch_unknown', 'the request is sealed to a key that this node does not have');
    }

    private refuseReplay(key: KemKey, id: string): void {
        if (key.opened.has(id)) throw new ConfidentialError('request_replayed', 'this request was already accepted');
        if (key.opened.size < this.replayCapacity) return;
        throw new ConfidentialError(
            'replay_memory_full',
            'this KEM key has served as many requests as it can remember',
        );
    }

    private async rotate(): Promise<boolean> {
        const now = this.eraseOld();
        if (this.closed) return false;
        if (this.keys.some(({ bornSec }) => hasBegun(bornSec, now) && now < bornSec + usedSec)) return false;
        const epoch = this.nextEpoch++;
        const fresh = await Promise.all(this.suites.map((suite) => this.makeKey(suite, epoch, now)));
        if (this.closed) fresh.forEach(erase);
        else this.keys = [...fresh, ...this.keys];
        return !this.closed;
    }

    private async makeKey(suite: Suite, kemEpoch: number, bornSec: number): Promise<KemKey> {
        const { network, signer, random = randomBytes } = this.options;
        const { privateKey, publicKey } = await generateKemKeyPair(suite, random);
        const window = { notBeforeSec: bornSec, notAfterSec: bornSec + validSec };
        const certificate = issueKemCertificate({ suite, network, kemEpoch, publicKey, ...window }, signer);
        const opener = await hpkeOpener(suite, privateKey);
        privateKey.fill(0);
        return { certificate, opener, bornSec, opened: new Set() };
    }

    /**
     * Also on every use, so that a late tick never makes a key live longer; and keys of a future so far that they would
     * outlive their time. Returns the time it went by.
     */
    private eraseOld(): number {
        const now = nowSec(this.options.clock);
        const old = this.keys.filter(({ bornSec }) => Math.abs(now - bornSec) >= keptSec);
        if (old.length > 0) this.keys = this.keys.filter((key) => !old.includes(key));
        for (const key of old) erase(key);
        return now;
    }
}

function erase(key: KemKey): void {
    key.opener.erase();
    key.opened.clear();
}
