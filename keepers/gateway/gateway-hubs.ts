import type { Address } from '@ton/core';
import { type Clock, errorMessage, type Logger } from '../base';
import { type EscrowBook, isDispatcherUrl, maxReplicas } from '../dispatch';
import { DispatcherClient } from './dispatcher-client';
import type { DispatcherPeer } from './dispatcher-feed';

/** The client's escrow at one hub. Every hub has its own: an escrow pays the nodes of its hub alone. */
export interface HubAccount {
    hub: Address;
    /** account id */
    escrow: Buffer;
    book: EscrowBook;
}

export interface DispatcherAt {
    url: string;
    hub: Address;
}

export interface GatewayHubsOptions {
    /** Those that the configuration names; they are used whatever the registry lists. */
    configured: readonly DispatcherAt[];
    /** Hubs on chain with their dispatchers' endpoints; absent where the operator wants the configured ones alone. */
    listed?: () => Promise<readonly DispatcherAt[]>;
    /** The client's escrow there, opened or not. @throws when the hub is none of this network */
    accountAt: (hub: Address) => Promise<HubAccount>;
    clock: Clock;
    logger: Logger;
}

/** The list on chain changes about as often as operators do. */
const refreshIntervalMs = 30_000;
/** Without any dispatcher nothing can be served. */
const emptyIntervalMs = 2_000;
/** More dispatchers than that make no request better. */
const maxDispatchers = 16;

/** Which dispatchers a gateway uses: those configured, and those of listed hubs at which its client has an open escrow. */
export class GatewayHubs {
    /** By URL; stays when a hub is unlisted, since requests there may still be open. */
    readonly dispatchers = new Map<string, DispatcherClient>();
    private readonly accounts = new Map<string, HubAccount>();
    private used: DispatcherPeer[] = [];
    /** By URL: replicas that a dispatcher in use named. */
    private readonly learned = new Map<string, DispatcherAt>();
    private readonly told = new Map<string, string>();
    private readonly stopping = new AbortController();
    private loop: Promise<void> | undefined;

    constructor(private readonly options: GatewayHubsOptions) {}

    get peers(): readonly DispatcherPeer[] {
        return this.used;
    }

    /** At the first dispatcher; what `GET /cocoon/status` shows first. */
    get main(): HubAccount | undefined {
        const [first] = this.used;
        return first && this.accountAt(first.hub);
    }

    all(): HubAccount[] {
        return [...this.accounts.values()];
    }

    accountAt(hub: Address): HubAccount | undefined {
        return this.accounts.get(hub.toRawString());
    }

    start(): void {
        this.loop ??= this.run();
    }

    async stop(): Promise<void> {
        this.stopping.abort(new Error('stopping'));
        await this.loop;
        await Promise.all([...this.dispatchers.values()].map((client) => client.close()));
    }

    /**
     * A dispatcher names the replicas that share its ledger. Nothing is believed of them: each must serve the same hub, and
     * its nodes are verified like all. They are used at once.
     */
    learn(by: DispatcherPeer, urls: readonly string[]): void {
        const secure = by.client.url.startsWith('https:');
        for (const url of urls) {
            const isKnown = this.used.some(({ client }) => sameUrl(client.url, url));
            const count = this.used.filter(({ hub }) => hub.equals(by.hub)).length;
            if (isKnown || count > maxReplicas || this.used.length >= maxDispatchers) continue;
            if (!isDispatcherUrl(url) || (secure && !url.startsWith('https:'))) continue;
            this.options.logger.info({ dispatcher: url, by: by.client.url }, 'a replica is used too');
            this.learned.set(url, { url, hub: by.hub });
            this.used = [...this.used, { client: this.clientOf(url), hub: by.hub }];
        }
    }

    /** What can't be read now leaves everything as it was. */
    async refresh(): Promise<void> {
        const { configured, listed } = this.options;
        const found = await this.listedNow(listed);
        this.forgetReplicas([...configured, ...found]);
        const wanted = uniqueByUrl([...configured, ...found, ...this.learned.values()]).slice(0, maxDispatchers);
        const isConfigured = ({ url, hub }: DispatcherAt) =>
            configured.some((one) => one.url === url) ||
            (this.learned.has(url) && configured.some((one) => one.hub.equals(hub)));
        const usable: DispatcherAt[] = [];
        for (const place of wanted) if (await this.isUsable(place, isConfigured(place))) usable.push(place);
        this.used = usable.map(({ url, hub }) => ({ client: this.clientOf(url), hub }));
    }

    private async listedNow(listed: GatewayHubsOptions['listed']): Promise<readonly DispatcherAt[]> {
        if (listed === undefined) return [];
        try {
            const places = await listed();
            this.tell('list', '');
            return places.filter((place) => this.hasEndpoint(place));
        } catch (error) {
            this.tell('list', `the registry's hub list cannot be read: ${errorMessage(error)}`);
            return this.used.map(({ client, hub }) => ({ url: client.url, hub }));
        }
    }

    /** Governance writes endpoints, and a typing error there is no reason to stop here. */
    private hasEndpoint({ url, hub }: DispatcherAt): boolean {
        const isGood = isDispatcherUrl(url);
        this.tell(`endpoint of ${hub.toRawString()}`, isGood ? '' : 'the registry lists it with no http or https URL');
        return isGood;
    }

    /** A replica is used as long as its hub is. */
    private forgetReplicas(kept: readonly DispatcherAt[]): void {
        for (const [url, { hub }] of this.learned)
            if (!kept.some((place) => place.hub.equals(hub))) this.learned.delete(url);
    }

    private async isUsable({ url, hub }: DispatcherAt, isConfigured: boolean): Promise<boolean> {
        const id = hub.toRawString();
        try {
            const account = this.accounts.get(id) ?? (await this.options.accountAt(hub));
            this.accounts.set(id, account);
            const state = await account.book.get(account.escrow);
            const isOpen = state?.status === 'open';
            this.tell(id, isOpen ? '' : 'its client has no open escrow at this hub: open-escrow opens one');
            return isOpen || isConfigured;
        } catch (error) {
            this.tell(id, errorMessage(error));
            return this.used.some(({ client }) => client.url === url) || (isConfigured && this.accounts.has(id));
        }
    }

    private clientOf(url: string): DispatcherClient {
        const known = this.dispatchers.get(url) ?? new DispatcherClient(url);
        this.dispatchers.set(url, known);
        return known;
    }

    /** Once for every change. */
    private tell(about: string, problem: string): void {
        if ((this.told.get(about) ?? '') === problem) return;
        this.told.set(about, problem);
        if (problem !== '') this.options.logger.warn({ hub: about, problem }, 'hub not usable');
    }

    private async run(): Promise<void> {
        while (!this.stopping.signal.aborted) {
            const delayMs = this.used.length === 0 ? emptyIntervalMs : refreshIntervalMs;
            await this.options.clock.sleep(delayMs, this.stopping.signal).catch(() => undefined);
            if (!this.stopping.signal.aborted) await this.refresh();
        }
    }
}

function uniqueByUrl(places: readonly DispatcherAt[]): DispatcherAt[] {
    return [...new Map([...places].reverse().map((place) => [place.url, place])).values()].reverse();
}

function sameUrl(one: string, other: string): boolean {
    return one.replace(/\/+$/, '') === other.replace(/\/+$/, '');
}
