import { z } from 'zod';
import {
    addressField,
    adminField,
    chainField,
    guestUrlField,
    hexField,
    listenField,
    logLevelField,
    nanoField,
    portField,
    retentionField,
    tracesField,
    urlField,
} from './fields';

const shared = {
    chain: chainField,
    /** deployments/<network>.json: the addresses that pin the network. */
    deploymentFile: z.string().min(1),
    logLevel: logLevelField,
    /** Metrics, health and the operator's acts; without it nothing is served. */
    admin: adminField.optional(),
};

/** What a keeper pays for its messages with. */
const gasWallet = {
    gasWalletFile: z.string().min(1),
    /** `highload-v3` sends many requests side by side; its address differs. */
    gasWalletKind: z.enum(['v5r1', 'highload-v3']).default('v5r1'),
    /** Where messages are recorded before they are sent; beside the keeper's other data when absent. */
    outboxFile: z.string().min(1).optional(),
    /** How long messages that are done are kept there, and a node's receipts that later ones stand for. */
    retentionHours: retentionField(30),
    /** Below this the role warns; what its dearest acts attach when absent. */
    gasLowNano: nanoField.optional(),
};

/** What an operator lets its keeper spend on messages, nanoTON. */
const feeLimits = {
    maxFeePerSettlementNano: nanoField.optional(),
    maxFeePerDayNano: nanoField.optional(),
};

const priceField = z.strictObject({
    inputNano: nanoField,
    cachedInputNano: nanoField,
    outputNano: nanoField,
    reasoningNano: nanoField,
});

const collateralField = z.strictObject({
    /** Intel PCS, a PCCS, or the development network's own service. */
    url: urlField.default('https://api.trustedservices.intel.com'),
});

const engineDialects = ['vllm', 'sglang', 'ollama', 'llama-server', 'plain'] as const;

const engineField = z.discriminatedUnion('kind', [
    z.strictObject({
        kind: z.literal('llama-cpp'),
        /** GGUF file; the model in the repository when absent. */
        modelFile: z.string().optional(),
        modelId: z.string().min(1).max(128).optional(),
        maxConcurrency: z.int().min(1).max(64).default(4),
    }),
    z.strictObject({
        kind: z.literal('openai'),
        /** Base URL of vLLM, SGLang, llama.cpp server or Ollama, without /v1. */
        url: urlField,
        apiKeyFile: z.string().optional(),
        /** Which of them; found out from its model list when absent. `plain`: a server that caches no prompts. */
        dialect: z.enum(engineDialects).optional(),
        /** Of the models it lists; all of them when absent. */
        models: z.array(z.string().min(1).max(128)).min(1).max(64).optional(),
        /** GGUF file of the model: its tokenizer counts the text of answers that come without a count. */
        tokenizerFile: z.string().min(1).optional(),
        /** For servers that name none. */
        contextLength: z.int().min(1).max(100_000_000).optional(),
        capabilities: z
            .array(z.enum(['chat.completions', 'completions', 'embeddings']))
            .min(1)
            .default(['chat.completions', 'completions']),
        maxConcurrency: z.int().min(1).max(4096).default(32),
        /** Hash of the model manifest, as allowed in the registry. */
        modelRoot: hexField(32),
    }),
    z.strictObject({
        /** An OpenAI-compatible proxy in a dstack CVM (Phala, NEAR AI): attested before use, every answer signed. */
        kind: z.literal('dstack'),
        /** With https, to the TLS key in the engine's quote alone; http is for a node agent in the same CVM. */
        url: guestUrlField,
        apiKeyFile: z.string().optional(),
        maxConcurrency: z.int().min(1).max(4096).default(32),
        modelRoot: hexField(32),
        /** dstack images that may run the engine, by the registers of a TD before it starts an application. */
        os: z
            .array(
                z.strictObject({ mrtd: hexField(48), rtmr0: hexField(48), rtmr1: hexField(48), rtmr2: hexField(48) }),
            )
            .min(1)
            .max(64),
        /** Manifests that may run: SHA-256 of app-compose, as dstack measures it. */
        composeHashes: z.array(hexField(32)).min(1).max(64),
        /** GPUs of which the engine must show evidence; 0 for an engine without any. */
        minGpus: z.int().min(0).max(16).default(1),
        collateral: collateralField.prefault({}),
        /** JSON of what quotes to accept; the verifier's default without it. */
        policyFile: z.string().optional(),
        attestationMaxAgeSec: z.int().min(60).max(86_400).default(1_800),
    }),
]);

/** Where dstack mounts its guest agent. */
const dstackSocket = '/var/run/dstack.sock';

/** The key that signs receipts; always a new one at each start. */
const signingField = z.discriminatedUnion('kind', [
    z.strictObject({
        /** Made inside this TEE and never stored. */
        kind: z.literal('generated'),
        suite: z.enum(['ed25519', 'secp256k1']).default('ed25519'),
    }),
    z.strictObject({
        /** An Ethereum key that dstack's guest agent derives from the application's, so that its KMS vouches for it. */
        kind: z.literal('dstack'),
        socketPath: z.string().min(1).default(dstackSocket),
        path: z.string().min(1).max(128).default('cocoon/node'),
    }),
]);

/** AMD’s key distribution service. */
const amdKdsUrl = 'https://kdsintf.amd.com';

const teeField = z.discriminatedUnion('kind', [
    /** Linux configfs-tsm: a real TDX guest. */
    z.strictObject({
        kind: z.literal('configfs-tsm'),
        reportPath: z.string().default('/sys/kernel/config/tsm/report'),
    }),
    /** A dstack CVM (Phala, NEAR AI): quotes by its guest agent. */
    z.strictObject({
        kind: z.literal('dstack'),
        socketPath: z.string().min(1).default(dstackSocket),
    }),
    /** Development networks: quotes minted under the network's own root. */
    z.strictObject({
        kind: z.literal('simulated'),
        pkiSeedFile: z.string(),
        platform: z.int().min(0).max(0xffff_ffff).default(0),
    }),
    /** A SEV-SNP guest: its reports are verified by clients, and its key is admitted by a higher bond. */
    z.strictObject({
        kind: z.literal('snp'),
        /** Linux configfs-tsm. */
        reportPath: z.string().default('/sys/kernel/config/tsm/report'),
        /** In its place a program and its arguments; the report data in hex comes last, it prints the report. */
        command: z.array(z.string().min(1)).min(1).max(32).optional(),
        timeoutMs: z.int().min(100).max(120_000).default(30_000),
        /** Certificate of the key that signs, DER or PEM (a VLEK's must be given), and PEM of its authority and root. */
        vekFile: z.string().min(1).optional(),
        chainFile: z.string().min(1).optional(),
        /** Where they are fetched otherwise. */
        kdsUrl: urlField.default(amdKdsUrl),
        cacheFolder: z.string().min(1).optional(),
        /** Of the processor, where its reports are of version 2 and do not say. */
        product: z.enum(['Milan', 'Genoa', 'Turin']).optional(),
    }),
    /** Development networks: reports minted under a root that follows from the seed. */
    z.strictObject({
        kind: z.literal('simulated-snp'),
        pkiSeedFile: z.string(),
        platform: z.int().min(0).max(0xffff_ffff).default(0),
    }),
]);

const gpuDeadline = z.int().min(100).max(120_000).default(30_000);
const gpuCount = z.int().min(1).max(16).default(1);

/** The NVIDIA GPUs of a node, and who yields their evidence for a nonce: JSON as NVIDIA's tools write it. */
const nodeGpuField = z.discriminatedUnion('kind', [
    z.strictObject({
        /** A program and its arguments; the nonce in hex comes last. */
        kind: z.literal('command'),
        command: z.array(z.string().min(1)).min(1).max(32),
        count: gpuCount,
        timeoutMs: gpuDeadline,
    }),
    z.strictObject({
        /** An agent in the same guest, asked with ?nonce=. */
        kind: z.literal('url'),
        url: urlField,
        count: gpuCount,
        timeoutMs: gpuDeadline,
    }),
    z.strictObject({
        /** Development networks: evidence minted under the network's own root. */
        kind: z.literal('simulated'),
        pkiSeedFile: z.string(),
        platform: z.int().min(0).max(0xffff_ffff).default(0),
        architecture: z.enum(['HOPPER', 'BLACKWELL']).default('HOPPER'),
        count: gpuCount,
    }),
]);

const gatewayGpuField = z.strictObject({
    /** Nodes that show evidence of fewer GPUs are refused; with 0, nodes without any are taken. */
    minCount: z.int().min(0).max(16).default(0),
    /** Who judges revocation and reference measurements; without it nobody does. */
    nras: z
        .strictObject({
            /** NVIDIA's https://nras.attestation.nvidia.com, or a development network's. */
            url: urlField,
            /** Where its keys are, unless at /.well-known/jwks.json of the same. */
            jwksUrl: urlField.optional(),
            /** Whom its tokens name as issuer, unless that URL. */
            issuer: z.string().min(1).max(256).optional(),
        })
        .optional(),
});

/** Evidence of SEV-SNP is verified by no contract, so a gateway takes it only where its operator says so. */
const snpField = z.strictObject({
    /** AMD's key distribution service, or the development network's own. */
    kdsUrl: urlField.default(amdKdsUrl),
    /** Keeps revocation lists across restarts. */
    cacheFolder: z.string().min(1).optional(),
    /** JSON of what to accept; docs/attestation.md lists the rules. */
    policyFile: z.string().min(1).optional(),
});

/** A SQLite file for the processes of one machine, or a PostgreSQL for those of several; never both. */
const ledgerPlace = {
    ledgerFile: z.string().min(1).optional(),
    /** `postgres://user@host:port/database?sslmode=verify-full`, without a password. */
    ledgerUrl: z
        .url({ protocol: /^postgres(ql)?$/, error: 'must be postgres://user@host:port/database' })
        .refine((url) => new URL(url).password === '', 'must hold no password: use ledgerPasswordFile or PGPASSWORD')
        .optional(),
    /** Only its owner may read it. */
    ledgerPasswordFile: z.string().min(1).optional(),
};

function hasOneLedger(config: { ledgerFile?: string; ledgerUrl?: string }): boolean {
    return (config.ledgerFile === undefined) !== (config.ledgerUrl === undefined);
}

function hasNotTwoLedgers(config: { ledgerFile?: string; ledgerUrl?: string }): boolean {
    return config.ledgerFile === undefined || config.ledgerUrl === undefined;
}

const twoLedgers = 'give ledgerFile or ledgerUrl, not both';

const dispatcherFields = z.strictObject({
    ...shared,
    traces: tracesField.optional(),
    role: z.literal('dispatcher'),
    hub: addressField,
    listen: listenField,
    /** PEM files; without them something in front must speak TLS to the world. */
    tls: z.strictObject({ certificateFile: z.string().min(1), keyFile: z.string().min(1) }).optional(),
    ...ledgerPlace,
    /** Tells dispatchers that share a ledger apart: each has its own, and keeps it over restarts. */
    dispatcherId: z
        .string()
        .regex(/^[\w.-]{0,64}$/, 'must be up to 64 letters, digits, dots and dashes')
        .default(''),
    /** Where nodes and gateways reach this very process, not what stands before all replicas. */
    publicUrl: urlField.max(200).optional(),
    /** How long paid receipts, closed requests and messages that are done are kept; totals stay. */
    retentionHours: retentionField(30),
    /** How long a stop waits for the requests under way. */
    drainMs: z.int().min(0).max(3_600_000).default(10_000),
    maxBodyBytes: z
        .int()
        .min(1024)
        .max(64 * 1024 * 1024)
        .default(33_554_432),
    /** Of bodies on their way here, over all connections. */
    maxReceivingBytes: z
        .int()
        .min(64 * 1024 * 1024)
        .max(64 * 1024 * 1024 * 1024)
        .default(512 * 1024 * 1024),
    queueLimitPerNode: z.int().min(0).max(10_000).default(64),
});

export const dispatcherSchema = dispatcherFields.refine(hasOneLedger, `a dispatcher needs a ledger: ${twoLedgers}`);

/** What a watchdog does besides settling before deadlines. */
const watchField = z.strictObject({
    intervalMs: z.int().min(1_000).max(86_400_000).default(60_000),
    /** Every key is looked at again after this, even if governance changed nothing. */
    fullCheckMs: z.int().min(60_000).max(86_400_000).default(3_600_000),
    /** Nodes whose time is over are pruned while the hub has more than this many; it has room for 10 000. */
    pruneAboveNodes: z.int().min(0).max(10_000).default(8_000),
    /** Keeps the hub's node keys across restarts; beside the ledger, the outbox or the first log when absent. */
    keysFile: z.string().min(1).optional(),
});

const settlerFields = z.strictObject({
    ...shared,
    role: z.literal('settler'),
    hub: addressField,
    /** The dispatcher's ledger, or none when settling from nodes' own receipt logs. */
    ...ledgerPlace,
    nodeLogFiles: z.array(z.string().min(1)).max(256).default([]),
    ...gasWallet,
    ...feeLimits,
    intervalMs: z.int().min(100).max(3_600_000).default(15_000),
    minValueToCostRatio: z.int().min(1).max(10_000).default(50),
    /** Watch the hub in the same process and from the same wallet. */
    watch: watchField.optional(),
});

export const settlerSchema = settlerFields.refine(hasNotTwoLedgers, twoLedgers);

/** Without a ledger or logs, keys are known from the hub's events alone. */
export const watchdogSchema = settlerFields
    .omit({ role: true, intervalMs: true, minValueToCostRatio: true, watch: true })
    .extend({ role: z.literal('watchdog'), watch: watchField.prefault({}) })
    .refine(hasNotTwoLedgers, twoLedgers);

export const registrarSchema = z.strictObject({
    ...shared,
    role: z.literal('registrar'),
    ...gasWallet,
    collateral: collateralField.prefault({}),
    /** Platform families whose quotes the network should be able to verify. */
    families: z
        .array(
            z.strictObject({
                fmspc: hexField(6),
                authority: z.enum(['platform', 'processor']).default('platform'),
            }),
        )
        .min(1)
        .max(64),
    intervalMs: z.int().min(1_000).max(86_400_000).default(3_600_000),
    /** A piece with less time left is replaced as soon as there is a newer one. */
    renewBeforeSec: z
        .int()
        .min(3_600)
        .max(30 * 86_400)
        .default(14 * 86_400),
    /** A piece with less time left than this is logged as an error. */
    alarmBeforeSec: z
        .int()
        .min(3_600)
        .max(30 * 86_400)
        .default(3 * 86_400),
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
     * Whether the node settles its own receipts at `hub`, from its gas wallet: what a close or an expiry is about to end
     * (`deadlines`), or whatever is worth its cost (`always`), as where the dispatcher is gone.
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

export const gatewaySchema = z.strictObject({
    ...shared,
    traces: tracesField.optional(),
    role: z.literal('gateway'),
    /** Used beside those of listed hubs; the only ones that may speak http. */
    dispatchers: z
        .array(z.strictObject({ url: urlField, hub: addressField }))
        .max(16)
        .default([]),
    /** Whether to use every hub of the registry's list at which the client has an open escrow. */
    useListedHubs: z.boolean().default(true),
    client: addressField,
    escrowIndex: z.int().min(0).max(0xffff_ffff).default(0),
    sessionKeyFile: z.string().min(1),
    ledgerFile: z.string().min(1),
    /** How long requests and their receipts are kept; what each key has spent stays. */
    retentionHours: retentionField(90),
    listen: listenField,
    collateral: collateralField,
    gpu: gatewayGpuField.default({ minCount: 0 }),
    /** Without it SEV-SNP nodes are refused. */
    snp: snpField.optional(),
    /** File with one API key a line; without it the gateway must listen on loopback and takes any key. */
    apiKeysFile: z.string().optional(),
    maxBodyBytes: z
        .int()
        .min(1024)
        .max(32 * 1024 * 1024)
        .default(16_777_216),
    requestTimeoutMs: z.int().min(1_000).max(3_600_000).default(600_000),
    /** Refuse offers above this, nanoTON a million output tokens. */
    maxOutputPriceNano: nanoField.optional(),
});

export const devnetSchema = z.strictObject({
    role: z.literal('devnet'),
    listen: listenField,
    /** A port of its own for the API of TonClient4, so that keepers have two endpoints to compare. */
    v4Port: portField.optional(),
    stateDir: z.string().min(1),
    seed: z.string().min(1).max(128).default('cocoon'),
    feeConfig: z.enum(['sandbox', 'mainnet-2026']).default('sandbox'),
    /** Seed of the development root: with it the devnet also serves collateral, like Intel's service. */
    pkiSeedFile: z.string().optional(),
    collateralPort: portField.default(0),
    /** The same for its GPUs: an attestation service like NVIDIA's. */
    nrasPort: portField.default(0),
    /** The same for SEV-SNP: a key distribution service like AMD's. */
    kdsPort: portField.default(0),
    logLevel: logLevelField,
});

export const configSchemas = {
    dispatcher: dispatcherSchema,
    settler: settlerSchema,
    watchdog: watchdogSchema,
    registrar: registrarSchema,
    node: nodeSchema,
    gateway: gatewaySchema,
    devnet: devnetSchema,
} as const;

export type Role = keyof typeof configSchemas;
export type RoleConfig<R extends Role> = z.output<(typeof configSchemas)[R]>;
export type DispatcherConfig = RoleConfig<'dispatcher'>;
export type SettlerConfig = RoleConfig<'settler'>;
export type WatchdogConfig = RoleConfig<'watchdog'>;
export type RegistrarConfig = RoleConfig<'registrar'>;
export type NodeConfig = RoleConfig<'node'>;
export type GatewayConfig = RoleConfig<'gateway'>;
export type DevnetConfig = RoleConfig<'devnet'>;
