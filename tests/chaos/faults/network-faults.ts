import { endpointsPerRole } from '../chaos-network';
import { type Fault, faults } from '../../support/faulty-rpc';
import type { FaultKind } from './fault-kind';

/** The way between a gateway or a node and a dispatcher, and from a dispatcher or settler to its database. */
export const link: FaultKind = {
    name: 'link',
    weight: 5,
    lastsMs: [200, 8_000],
    targets: ({ links }) => [...links.keys()],
    draw: (dice) => ({ state: dice.pick(['cut', 'cut', 'silent', 'slow']), delayMs: dice.between(50, 800) }),
    begin({ network }, { target, detail }) {
        const proxy = network.links.get(target)!;
        proxy.set(detail['state'] as 'cut' | 'silent' | 'slow', detail['delayMs'] as number);
        return () => proxy.set('open');
    },
};

const places = Array.from({ length: endpointsPerRole }, (_, index) => index + 1);

/** What an endpoint makes up, only others can refute: a keeper with a single voice to listen to must believe it. */
const inventions: readonly Fault[] = ['other-value', 'wrong-hash'];
const troubles = faults.filter((fault) => !inventions.includes(fault));

/** One of a keeper's endpoints, or all of them, fail or tell what is no longer or not quite so. */
export const rpc: FaultKind = {
    name: 'rpc',
    weight: 8,
    lastsMs: [1_000, 15_000],
    targets: ({ keeperNames }) =>
        keeperNames.flatMap((keeper) => [...places.map((place) => `${keeper}/${place}`), `${keeper}/all`]),
    draw: (dice) => ({
        trouble: dice.pick(troubles),
        share: dice.pick([0.2, 0.5, 1]),
    }),
    begin({ network }, { target, detail }) {
        const [keeper, which] = target.split('/') as [string, string];
        const proxies = network.rpc.get(keeper)!;
        const chosen = which === 'all' ? proxies : [proxies[Number(which) - 1]!];
        const { trouble, share } = detail as { trouble: Fault; share: number };
        const ends = chosen.map((proxy) => proxy.begin({ fault: trouble, share }));
        return () => ends.forEach((end) => end());
    },
};
