import { writeFileSync } from 'node:fs';
import { type Address, toNano } from '@ton/core';
import { request } from 'undici';
import { ChainClient, type Deployment } from '../../chain';
import { systemClock } from '../../base';
import { type ActPlan, bond, createProvider, deployNetwork, openEscrow, runAct } from '../../operator';
import { Escrow, Provider } from '../../../wrappers';
import { DirectoryLock } from '../chain/store/directory-lock';
import type { ChainTotals } from '../demo/conservation';
import { DevnetError } from '../errors';
import { simulatedGpuRoot } from '../simulated-gpus';
import { simulatedSnpRootKeyHash } from '../simulated-snp';
import { createSimulatedTee } from '../simulated-tee';
import { Actors, type ActorName, actorNames } from './actors';
import { DevnetClient } from './devnet-client';
import { requireFreePort } from './free-port';
import { NetworkLayout } from './layout';
import { localSpec } from './local-spec';
import { localTerms } from './local-terms';
import type { LocalNetworkOptions, RoleSettings } from './local-network-options';
import { NetworkSettings, type NodePlace, pollIntervalMs } from './network-settings';
import { RoleProcess } from './role-process';

const fundsNano: Partial<Record<ActorName, bigint>> = { client: toNano('100') };
const defaultFundsNano = toNano('50');
/** Keys that a provider's bond covers beyond those live already: this start's, and two for nodes that someone restarts. */
const sparesAtStart = 3n;

/** The whole network on one machine: every role a process of its own, talking as they would across the world. */
export class LocalNetwork {
    readonly layout: NetworkLayout;
    readonly processes = new Map<string, RoleProcess>();
    readonly nodes: NodePlace[] = [];
    actors!: Actors;
    client!: ChainClient;
    devnet!: DevnetClient;
    deployment!: Deployment;
    escrow!: Address;
    /** Of the whole chain, before anything was paid. */
    totalsAtStart!: ChainTotals;
    /** As the others see it. */
    dispatcherUrl = '';
    private readonly settings: NetworkSettings;
    /** Two networks in one folder would write over each other's settings. */
    private lock: DirectoryLock | undefined;

    private constructor(private readonly options: LocalNetworkOptions) {
        this.layout = new NetworkLayout(options.dir);
        this.settings = new NetworkSettings(options, this);
    }

    static async launch(options: LocalNetworkOptions): Promise<LocalNetwork> {
        const network = new LocalNetwork(options);
        try {
            await network.bringUp();
            return network;
        } catch (error) {
            await network.stop();
            throw error;
        }
    }

    get hub(): Address {
        return this.deployment.hubs[0]!.address;
    }

    get gatewayUrl(): string {
        return this.process('gateway').url;
    }

    process(name: string): RoleProcess {
        const found = this.processes.get(name);
        if (found === undefined) throw new DevnetError('process_failed', `${name} is not running`);
        return found;
    }

    /** Resolves when the gateway trusts every node that runs. */
    async gatewayReady(): Promise<void> {
        for (let attempt = 0; attempt < 150; attempt++) {
            const { body } = await request(`${this.gatewayUrl}/readyz`);
            const { trustedNodes } = (await body.json()) as { trustedNodes: number };
            if (trustedNodes >= this.nodes.length) return;
            await systemClock.sleep(200);
        }
        throw new DevnetError(
            'process_not_ready',
            `the gateway does not trust all nodes: see ${this.layout.log('gateway')}`,
        );
    }

    /** Keys of the running nodes, in hex. */
    nodeKeys(): string[] {
        return this.nodes.map(({ name }) => this.process(name).ready['nodeKey'] as string);
    }

    /** Last started first; the chain goes last. */
    async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
        const running = [...this.processes.values()].reverse();
        const [keepers, chain] = [
            running.filter(({ options }) => options.name !== 'chain'),
            this.processes.get('chain'),
        ];
        await Promise.all(keepers.map((keeper) => keeper.stop(signal)));
        await chain?.stop(signal);
        this.processes.clear();
        this.lock?.release();
        this.lock = undefined;
    }

    /** Starts a role again with the settings it had. */
    async restart(name: string): Promise<RoleProcess> {
        const place = this.nodes.find((node) => node.name === name);
        if (place !== undefined) await this.bondForKeys(place, 1n);
        const fresh = await this.process(name).restart();
        this.processes.set(name, fresh);
        return fresh;
    }

    private async bringUp(): Promise<void> {
        const { progress, gatewayPort = 0 } = this.options;
        this.lock = DirectoryLock.take(this.layout.dir);
        await requireFreePort(gatewayPort);
        progress('starting the chain');
        await this.startChain();
        progress('funding wallets from the faucet');
        await this.fund();
        await this.deploy();
        // What follows waits mostly for the chain, and each for wallets of its own.
        await together([this.createProviders(), this.startRegistrar(), this.startDispatcher(), this.openEscrow()]);
        progress('starting two nodes: each makes its keys, has its quote verified on chain and is admitted by the hub');
        const nodes = this.nodes.map((place, index) => this.startNode(place, index));
        await together([...nodes, this.startSettler(), this.startGateway()]);
    }

    private async startChain(): Promise<void> {
        const seed = this.options.seed ?? 'cocoon';
        const pki = this.layout.key('pki');
        const chain = await this.startRole('chain', 'devnet', {
            listen: { port: 0 },
            ...(this.options.bothApis === true && { v4Port: 0 }),
            stateDir: this.layout.chainState,
            seed,
            feeConfig: this.options.feeConfig ?? 'sandbox',
            pkiSeedFile: pki,
        });
        this.client = new ChainClient({ endpoints: [this.settings.endpoint] });
        this.actors = new Actors({ seed, layout: this.layout, client: this.client, pollIntervalMs });
        this.devnet = new DevnetClient(chain.url);
        this.totalsAtStart = await this.devnet.totals();
    }

    private async fund(): Promise<void> {
        for (const name of actorNames) await this.fundWallet(name, 0n);
    }

    /** So that the wallet can spend this much and still has half of what it should hold. */
    private async fundWallet(name: ActorName, spendNano: bigint): Promise<void> {
        const wallet = this.actors.wallets[name];
        const usualNano = fundsNano[name] ?? defaultFundsNano;
        const heldNano = await wallet.getBalanceNano();
        if (heldNano >= usualNano / 2n + spendNano) return;
        await this.devnet.faucet(wallet.address, usualNano + spendNano - heldNano);
    }

    private tee(platform: number) {
        return createSimulatedTee({ pkiSeed: this.actors.keyFile('pki').seed, platform, now: new Date() });
    }

    private async deploy(): Promise<void> {
        const { progress } = this.options;
        const { rootKey, imageId } = this.tee(1);
        const deployment = await deployNetwork(
            this.actors.context('governance'),
            await localSpec({ imageId, rootKey, hubOperator: this.actors.wallets.operator.address }),
            { console: this.console, assumeYes: true, pollIntervalMs, clock: systemClock },
        );
        if (deployment === null) throw new DevnetError('process_failed', 'the network was not deployed');
        const gpuRootPublicKey = simulatedGpuRoot(this.actors.keyFile('pki').seed);
        this.actors.context('governance').deployment.recordGpuRoot(gpuRootPublicKey);
        const snpRootKeyHash = simulatedSnpRootKeyHash(this.actors.keyFile('pki').seed);
        this.actors.context('governance').deployment.recordSnpRoot(snpRootKeyHash);
        this.deployment = { ...deployment, gpuRootPublicKey: Buffer.from(gpuRootPublicKey) };
        progress(`network deployed: registry ${deployment.registry}, hub ${this.hub}`);
    }

    private get console() {
        return { write: (line: string) => this.options.progress(line), confirm: () => Promise.resolve(true) };
    }

    /** Runs an operator act as one of the actors. */
    act<Result>(name: ActorName, plan: ActPlan<Result>): Promise<Result | null> {
        return runAct(plan, {
            console: this.console,
            sender: this.actors.context(name).sender,
            assumeYes: true,
            pollIntervalMs,
        });
    }

    private async createProviders(): Promise<void> {
        this.nodes.push(...(await together(localTerms.providers.map((number) => this.createProvider(number)))));
    }

    private async createProvider(number: number): Promise<NodePlace> {
        const owner = `provider-${number}` as ActorName;
        const context = this.actors.context(owner);
        await this.act(
            owner,
            await createProvider(context, { operatorKey: this.actors.publicKey(`operator-key-${number}`) }),
        );
        const { address } = await Provider.createFromConfig({
            registry: this.deployment.registry,
            owner: context.sender.address,
        });
        const place = { name: `node-${number}`, provider: address, owner };
        await this.bondForKeys(place, sparesAtStart);
        return place;
    }

    /** A restarted node makes a new key; its old one holds its bond until it expires and no evidence against it counts. */
    private async bondForKeys({ name, owner, provider }: NodePlace, newKeys: bigint): Promise<void> {
        const { requiredBondNano, bondNano } = await this.client.open(Provider.createFromAddress(provider)).getState();
        const { minBondNano, minClientVerifiedBondNano } = localTerms;
        const eachNano = this.settings.teeOf(name) === 'snp' ? minClientVerifiedBondNano : minBondNano;
        const wantedNano = requiredBondNano + eachNano * newKeys;
        if (bondNano >= wantedNano) return;
        await this.fundWallet(owner, wantedNano - bondNano);
        await this.act(owner, await bond(this.actors.context(owner), { bondNano: wantedNano }));
    }

    /** Ready once the chain holds what the nodes' quotes are judged by. */
    private async startRegistrar(): Promise<void> {
        this.options.progress('starting the registrar: it posts the collateral that quotes are judged by on chain');
        await this.startRole('registrar', 'registrar', this.settings.registrar());
    }

    private async startDispatcher(): Promise<void> {
        this.options.progress('starting the dispatcher');
        const { url } = await this.startRole('dispatcher', 'dispatcher', this.settings.dispatcher());
        this.dispatcherUrl = (await this.options.interpose?.(url)) ?? url;
    }

    private async startNode(place: NodePlace, index: number): Promise<void> {
        const settings = this.settings.node(place, { number: index + 1, dispatcherUrl: this.dispatcherUrl });
        await this.startRole(place.name, 'node', settings);
    }

    private async startSettler(): Promise<void> {
        this.options.progress('starting the settler');
        await this.startRole('settler', 'settler', this.settings.settler());
    }

    private async openEscrow(): Promise<void> {
        const context = this.actors.context('client');
        const depositNano = this.options.depositNano ?? toNano('20');
        await this.act(
            'client',
            await openEscrow(context, { hub: this.hub, depositNano, sessionKey: this.actors.publicKey('session') }),
        );
        const { address } = await Escrow.createFromConfig({
            hub: this.hub,
            network: this.deployment.registry.hash,
            client: context.sender.address,
            index: 0,
            closeDelaySec: localTerms.closeDelaySec,
        });
        this.escrow = address;
    }

    /** A gateway of its own ledger, for the same client, that believes another dispatcher. */
    startSecondGateway(dispatcherUrl: string): Promise<RoleProcess> {
        return this.startRole('gateway-2', 'gateway', this.settings.gateway('gateway-2', { dispatcherUrl, port: 0 }));
    }

    private async startGateway(): Promise<void> {
        this.options.progress('starting the gateway');
        const settings = { dispatcherUrl: this.dispatcherUrl, port: this.options.gatewayPort ?? 0 };
        await this.startRole('gateway', 'gateway', this.settings.gateway('gateway', settings));
    }

    /** A process of its own, known by its name from now on; `wanted` is its configuration. */
    async startRole(name: string, role: string, wanted: RoleSettings): Promise<RoleProcess> {
        const file = this.layout.config(name);
        const admin = { port: 0, tokenFile: this.layout.key(`${name}.admin`) };
        const given = (await this.options.settings?.(name, wanted)) ?? wanted;
        const config: RoleSettings = { ...(role !== 'devnet' && { admin }), ...given };
        writeConfig(file, { role, ...config });
        const started = await RoleProcess.start({
            name,
            args: [role, '--config', file],
            logFile: this.layout.log(name),
            readyTimeoutMs: this.options.readyTimeoutMs,
        });
        this.processes.set(name, started);
        writeConfig(file, { role, ...config, ...portsOf(started, config) });
        return started;
    }
}

/** Of several acts at once; when one fails, the others have ended too, and what they started is known and stopped with the rest. */
async function together<T>(acts: readonly Promise<T>[]): Promise<T[]> {
    const ended = await Promise.allSettled(acts);
    return ended.map((one) => {
        if (one.status === 'rejected') throw one.reason;
        return one.value;
    });
}

/** The others know a role by these ports from now on, an operator too, so a restart must come up there again. */
function portsOf({ ready }: RoleProcess, { listen, admin }: RoleSettings): RoleSettings {
    const port = (url: unknown) => Number(new URL(url as string).port);
    return {
        ...(listen !== undefined && { listen: { port: port(ready.url) } }),
        ...(ready['adminUrl'] !== undefined && { admin: { ...admin, port: port(ready['adminUrl']) } }),
        ...(ready['collateralUrl'] !== undefined && { collateralPort: port(ready['collateralUrl']) }),
        ...(ready['nrasUrl'] !== undefined && { nrasPort: port(ready['nrasUrl']) }),
        ...(ready['kdsUrl'] !== undefined && { kdsPort: port(ready['kdsUrl']) }),
    };
}

function writeConfig(file: string, config: object): void {
    writeFileSync(file, `${JSON.stringify(config, null, 4)}\n`, { mode: 0o600 });
}
