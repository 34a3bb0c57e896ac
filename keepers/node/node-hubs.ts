import type { Address } from '@ton/core';
import { type Clock, errorMessage, formatTon, type Logger } from '../base';
import { EscrowBook, isDispatcherUrl, type ReadEscrow } from '../dispatch';
import type { DispatcherPlace } from './dispatcher-links';
import { NodeError } from './errors';

/** A dispatcher of a hub, as the configuration or the registry's list names it. */
export interface HubDispatcher {
    url: string;
    hub: Address;
}

export interface NodeHubsOptions {
    /** Without it the node does not start; the others are served as far as they admit it. */
    home: Address;
    configured: readonly HubDispatcher[];
    /** Which listed hubs to ask for admission too: none, all, or these. */
    wanted: boolean | readonly Address[];
    listed: () => Promise<readonly HubDispatcher[]>;
    /** How its escrows are read. @throws when the address is no hub of this network */
    escrowsOf: (hub: Address) => Promise<ReadEscrow>;
    /** Asks the hub for admission, and pays for it. @throws when it does not admit */
    admit: (hub: Address) => Promise<void>;
    admissionCostNano: bigint;
    clock: Clock;
    logger: Logger;
    intervalMs?: number;
}

/** Each further hub costs an admission for every life of the node's key. */
const maxHubs = 8;
const defaultIntervalMs = 60_000;

/** The hubs that a node earns at: admitted to each, with the escrows of each. */
export class NodeHubs {
    /** By account id in hex: hubs that admitted this node's key. */
    private readonly books = new Map<string, { hub: Address; book: EscrowBook }>();
    private readonly told = new Map<string, string>();
    private readonly stopping = new AbortController();
    private loop: Promise<void> | undefined;

    constructor(private readonly options: NodeHubsOptions) {}

    bookOf(hub: Buffer): EscrowBook | undefined {
        return this.books.get(hub.toString('hex'))?.book;
    }

    /** After each attestation: a hub knows only the key life that it was told of. @throws NodeError for the first hub */
    async admitEverywhere(): Promise<void> {
        const { home, configured } = this.options;
        await this.open(home);
        const others = [...configured.map(({ hub }) => hub), ...[...this.books.values()].map(({ hub }) => hub)];
        for (const hub of distinct(others)) if (!hub.equals(home)) await this.tryOpen(hub);
    }

    /** Dispatchers of the hubs that admitted the node. */
    places(): DispatcherPlace[] {
        return this.options.configured
            .filter(({ hub }) => this.books.has(hub.hash.toString('hex')))
            .map(({ url, hub }) => ({ url, hub: hub.hash }));
    }

    /** Looks now and then. @param dial called for every hub found there that admitted the node */
    start(dial: (place: DispatcherPlace) => void): void {
        const { configured, home, wanted } = this.options;
        const isHomeAlone = wanted === false && configured.every(({ hub }) => hub.equals(home));
        if (!isHomeAlone) this.loop ??= this.run(dial);
    }

    async stop(): Promise<void> {
        this.stopping.abort(new Error('stopping'));
        await this.loop;
    }

    /** One look at the registry's list, and a try for configured hubs that did not admit the node yet. */
    async refresh(dial: (place: DispatcherPlace) => void): Promise<void> {
        for (const { url, hub } of await this.candidates()) {
            const isNew = !this.books.has(hub.hash.toString('hex'));
            if (isNew && this.books.size >= maxHubs) {
                this.tell(hub, `the node serves ${maxHubs} hubs already, the most it may`);
                continue;
            }
            if (!isNew || (await this.tryOpen(hub))) dial({ url, hub: hub.hash });
        }
    }

    private async candidates(): Promise<readonly HubDispatcher[]> {
        const { configured, wanted, listed } = this.options;
        const found = wanted === false ? [] : await listed();
        return [...configured, ...found.filter((one) => this.wants(one.hub) && this.hasEndpoint(one))];
    }

    /** Governance writes endpoints: a hub that cannot be dialled is paid nothing for admission. */
    private hasEndpoint({ url, hub }: HubDispatcher): boolean {
        const isGood = isDispatcherUrl(url);
        if (!isGood) this.tell(hub, 'the registry lists it with no http or https URL');
        return isGood;
    }

    private wants(hub: Address): boolean {
        const { wanted } = this.options;
        return typeof wanted === 'boolean' ? wanted : wanted.some((one) => one.equals(hub));
    }

    private async run(dial: (place: DispatcherPlace) => void): Promise<void> {
        const { clock, logger, intervalMs = defaultIntervalMs } = this.options;
        while (!this.stopping.signal.aborted) {
            await this.refresh(dial).catch((error: unknown) =>
                logger.warn({ reason: errorMessage(error) }, 'the list of hubs could not be read'),
            );
            await clock.sleep(intervalMs, this.stopping.signal).catch(() => undefined);
        }
    }

    private async tryOpen(hub: Address): Promise<boolean> {
        try {
            await this.open(hub);
            this.tell(hub, '');
            return true;
        } catch (error) {
            this.tell(hub, errorMessage(error));
            return false;
        }
    }

    private async open(hub: Address): Promise<void> {
        const { escrowsOf, admit, admissionCostNano, logger } = this.options;
        const id = hub.hash.toString('hex');
        const book = this.books.get(id)?.book ?? new EscrowBook({ read: await this.terms(hub, escrowsOf) });
        logger.info(
            { hub: hub.toRawString(), atMostTon: formatTon(admissionCostNano) },
            'asking the hub for admission',
        );
        await admit(hub);
        this.books.set(id, { hub, book });
    }

    private async terms(hub: Address, escrowsOf: NodeHubsOptions['escrowsOf']): Promise<ReadEscrow> {
        try {
            return await escrowsOf(hub);
        } catch (error) {
            const message = `the hub ${hub.toRawString()} cannot be used: ${errorMessage(error)}`;
            throw new NodeError('registration_failed', message, { action: 'retry', cause: error });
        }
    }

    /** Once for every change. */
    private tell(hub: Address, problem: string): void {
        const id = hub.toRawString();
        if ((this.told.get(id) ?? '') === problem) return;
        this.told.set(id, problem);
        if (problem !== '') this.options.logger.warn({ hub: id, problem }, 'hub not served');
    }
}

function distinct(hubs: readonly Address[]): Address[] {
    return [...new Map(hubs.map((hub) => [hub.toRawString(), hub])).values()];
}
