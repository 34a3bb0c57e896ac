import { z } from 'zod';
import { addressField, nanoField, tracesField, urlField } from '../fields';
import { feeLimits, gasWallet, shared } from './keeper-fields';
import { engineField } from './engine-field';
import { nodeGpuField, signingField, teeField } from './tee-fields';

const priceField = z.strictObject({
    inputNano: nanoField,
    cachedInputNano: nanoField,
    outputNano: nanoField,
    reasoningNano: nanoField,
});

const nodeFields = z.strictObject({
    ...shared,
    traces: tracesField.optional(),
    role: z.literal('node'),
    hub: addressField,
    /** Of the hub above. Those in `dispatchers` are served too; one of the two must name a dispatcher of that hub. */
    dispatcherUrl: urlField.optional(),
    /** Further dispatchers: other replicas, or those of other hubs, each of which takes an admission. */
    dispatchers: z
        .array(z.strictObject({ url: urlField, hub: addressField.optional() }))
        .max(16)
        .default([]),
    /** Also serve hubs of the registry's list: none, all, or these. Each takes an admission for every life of the key. */
    useListedHubs: z.union([z.boolean(), z.array(addressField).min(1).max(8)]).default(false),
    provider: addressField,
    operatorKeyFile: z.string().min(1),
    ...gasWallet,
    receiptLogFile: z.string().min(1),
    engine: engineField,
    tee: teeField,
    /** Absent: the node declares no GPU. */
    gpu: nodeGpuField.optional(),
    signing: signingField.default({ kind: 'generated', suite: 'ed25519' }),
    /** Prices a million tokens. */
    prices: priceField,
    /** Most that one escrow may owe this node unsettled. */
    creditLineNano: nanoField.default(1_000_000_000n),
    /**
     * Whether the node settles its own receipts, each at the hub of its escrow, from its gas wallet: what a close or an
     * expiry is about to end (`deadlines`), or whatever is worth its cost (`always`), as where the dispatcher is gone.
     */
    settleOwn: z.enum(['never', 'deadlines', 'always']).default('never'),
    /** Between its rounds, each of which reads the whole receipt log. */
    settleOwnIntervalMs: z.int().min(1_000).max(3_600_000).default(60_000),
    ...feeLimits,
    /** As far as the registry's longest key life allows. */
    keyLifeSec: z
        .int()
        .min(600)
        .max(7 * 86_400)
        .default(86_400),
});

/** All dispatchers in one list, the first of them one of the node's own hub. */
export const nodeSchema = nodeFields.transform((settings, context) => {
    const { dispatcherUrl, hub } = settings;
    const named = settings.dispatchers.map((one) => ({ url: one.url, hub: one.hub ?? hub }));
    const dispatchers = [...(dispatcherUrl === undefined ? [] : [{ url: dispatcherUrl, hub }]), ...named];
    const home = dispatchers.find((one) => one.hub.equals(hub));
    if (home !== undefined) return { ...settings, dispatchers, dispatcherUrl: home.url };
    const message = 'names no dispatcher of the hub: set it, or give one in dispatchers';
    context.addIssue({ code: 'custom', path: ['dispatcherUrl'], message });
    return z.NEVER;
});
