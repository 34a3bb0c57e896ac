import { type Clock, type Logger } from '../base';
import { type BorneLoad, type Challenge, maxReplicas } from '../dispatch';
import { DispatcherLink } from './dispatcher-link';

/** A dispatcher as a node dials it. */
export interface DispatcherPlace {
    url: string;
    /** Account id of the hub that it must serve. */
    hub: Buffer;
}

/** One place's connection, with what is particular to it. */
export interface PlacedLink {
    place: DispatcherPlace;
    link: DispatcherLink;
    /** The process that answered there last. */
    replica?: string;
}

export interface DispatcherLinksOptions {
    /** Or why there is none. */
    hello: (challenge: Challenge, place: DispatcherPlace) => object | string;
    onRequest: (envelope: Buffer, from: PlacedLink) => void;
    onResume: (envelope: Buffer, from: PlacedLink) => void;
    onCancel: (requestId: Buffer, from: PlacedLink) => void;
    onTaken: (requestId: Buffer, from: PlacedLink) => void;
    onRaise: (requestId: Buffer, raise: Buffer, from: PlacedLink) => void;
    onConnected: (to: PlacedLink) => void;
    onDisconnected: (from: PlacedLink) => void;
    logger: Logger;
    clock: Clock;
}

/** What a node shows of one of its connections. */
export interface LinkState {
    url: string;
    /** Account id in hex. */
    hub: string;
    connected: boolean;
    problem: string | null;
}

/** Why a replica's second URL is not used. */
export const alreadyConnected = 'connected to this replica already';

/** Connections to every dispatcher that a node serves: those it was told of, and the replicas that these name. */
export class DispatcherLinks {
    private readonly links = new Map<string, PlacedLink>();
    private started = false;

    constructor(private readonly options: DispatcherLinksOptions) {}

    /** Dialled from now on; one that is known already changes nothing. */
    add(place: DispatcherPlace): void {
        const id = idOf(place);
        if (this.links.has(id)) return;
        const placed: PlacedLink = { place, link: this.linkTo(place, () => placed) };
        this.links.set(id, placed);
        if (this.started) placed.link.start();
    }

    start(): void {
        this.started = true;
        for (const { link } of this.links.values()) link.start();
    }

    async stop(): Promise<void> {
        await Promise.all([...this.links.values()].map(({ link }) => link.stop()));
    }

    /** Every connection ends at once and is dialled again. */
    drop(): void {
        for (const { link } of this.links.values()) link.drop();
    }

    get connected(): boolean {
        return this.connectedLinks().length > 0;
    }

    get states(): LinkState[] {
        return [...this.links.values()].map(({ place, link }) => ({
            url: place.url,
            hub: place.hub.toString('hex'),
            connected: link.connected,
            problem: link.problem,
        }));
    }

    update(update: object): void {
        for (const { link } of this.connectedLinks()) link.update(update);
    }

    tellLoad(load: BorneLoad): void {
        for (const { link } of this.connectedLinks()) link.tellLoad(load);
    }

    /** Any that is connected for the hub: its replicas share what they know. */
    forHub(hub: Buffer): DispatcherLink | undefined {
        return this.connectedLinks().find(({ place }) => place.hub.equals(hub))?.link;
    }

    connectedLinks(): PlacedLink[] {
        return [...this.links.values()].filter(({ link }) => link.connected);
    }

    private linkTo(place: DispatcherPlace, self: () => PlacedLink): DispatcherLink {
        const { options } = this;
        return new DispatcherLink({
            url: place.url,
            hello: (challenge) => this.hello(challenge, self()),
            onRequest: (envelope) => options.onRequest(envelope, self()),
            onResume: (envelope) => options.onResume(envelope, self()),
            onCancel: (requestId) => options.onCancel(requestId, self()),
            onTaken: (requestId) => options.onTaken(requestId, self()),
            onRaise: (requestId, raise) => options.onRaise(requestId, raise, self()),
            onReplicas: (urls) => this.learn(place, urls),
            onConnected: () => options.onConnected(self()),
            onDisconnected: () => options.onDisconnected(self()),
            logger: options.logger,
            clock: options.clock,
        });
    }

    /** A second connection would replace the first one there, and so on for ever. */
    private hello(challenge: Challenge, placed: PlacedLink): object | string {
        const { place } = placed;
        if (!challenge.hub.equals(place.hub)) return 'another network or hub';
        const isThere = ({ link, replica }: PlacedLink) => link.connected && replica === challenge.replica;
        const others = [...this.links.values()].filter(
            (other) => other !== placed && other.place.hub.equals(place.hub),
        );
        if (challenge.replica !== undefined && others.some(isThere)) return alreadyConnected;
        const hello = this.options.hello(challenge, place);
        placed.replica = typeof hello === 'string' ? undefined : challenge.replica;
        return hello;
    }

    /** A dispatcher is trusted with nothing but being there; naming places can do no more than have a few of them dialled. */
    private learn({ url, hub }: DispatcherPlace, urls: readonly string[]): void {
        const secure = url.startsWith('https:');
        for (const named of urls) {
            const known = [...this.links.values()].filter(({ place }) => place.hub.equals(hub)).length;
            if (known >= maxReplicas) return;
            if (secure && !named.startsWith('https:')) continue;
            if (!this.links.has(idOf({ url: named, hub })))
                this.options.logger.info({ dispatcher: named, by: url }, 'a replica is dialled too');
            this.add({ url: named, hub });
        }
    }
}

function idOf({ url, hub }: DispatcherPlace): string {
    return `${url.replace(/\/+$/, '')} ${hub.toString('hex')}`;
}
