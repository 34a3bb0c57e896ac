import { readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { type Address, toNano } from '@ton/core';
import { ChainWallet, walletKeyFromSeed } from '../../keepers/chain';
import { LocalNetwork, localTerms, type RoleSettings } from '../../keepers/devnet';
import type { DispatchLedgerOptions } from '../../keepers/ledger';
import { ggufModelRoot, TOY_MODEL_ID, TOY_MODEL_PATH } from '../../keepers/node';
import { openEscrow } from '../../keepers/operator';
import { Escrow } from '../../wrappers';
import { Clocks } from './clocks';
import type { Dice } from './dice';
import { Disk } from './disk';
import { CountingEngine } from './engine';
import { LedgerDatabase } from './ledger-database';
import { LinkProxy } from './proxy/link-proxy';
import { LyingEndpoint } from './proxy/lying-endpoint';

export interface ChaosNetworkOptions {
    dir: string;
    dice: Dice;
    progress: (line: string) => void;
    /** Two dispatchers on one PostgreSQL, in place of one on a SQLite file. */
    postgres: boolean;
    /** Over what each role would have, before anything else. */
    adjust?: (settings: RoleSettings) => RoleSettings;
}

export const gatewayNames = ['gateway', 'gateway-2'] as const;
const secondDispatcher = 'dispatcher-2';
export const nodeNames = ['node-1', 'node-2'] as const;
/** On the dispatcher's ledger; the second is there to get in the first one's way. */
export const settlerNames = ['settler', 'settler-2'] as const;
/** A provider's own, from its node's log. */
export const providerSettler = 'settler-node-1';

export const endpointsPerRole = 3;
/** Dear, so that a few answers are worth settling; nanoTON a million tokens. */
const prices = {
    inputNano: '20000000000',
    cachedInputNano: '5000000000',
    outputNano: '400000000000',
    reasoningNano: '400000000000',
};
/** A node works on for an escrow while settlers are down. */
const creditLineNano = toNano('5').toString();
const depositNano = toNano('60');
/** No service manager kills a role for being slow to begin; with every process of a storm on two cores one can be. */
const readyTimeoutMs = 300_000;
/** On top of it, once the escrows are open. */
const topUpNano = toNano('400');

/**
 * The whole network as `cocoon start` runs it, and between any two of its processes something that can be broken: proxies on
 * every link to the dispatcher and on every way to the chain, a disk and a clock for each role.
 */
export class ChaosNetwork {
    readonly rpc = new Map<string, LyingEndpoint[]>();
    readonly links = new Map<string, LinkProxy>();
    readonly disks = new Map<string, Disk>();
    readonly clocks: Clocks;
    readonly escrows: Address[] = [];
    database: LedgerDatabase | undefined;
    local!: LocalNetwork;
    /** Where the second dispatcher will listen: nodes start before it. */
    private secondPort = 0;
    private engine!: CountingEngine;
    private nextPlatform = 100;

    private constructor(private readonly options: ChaosNetworkOptions) {
        this.clocks = new Clocks(path.join(options.dir, 'clocks'));
    }

    static async launch(options: ChaosNetworkOptions): Promise<ChaosNetwork> {
        const network = new ChaosNetwork(options);
        try {
            await network.bringUp();
            return network;
        } catch (error) {
            await network.stop();
            throw error;
        }
    }

    nodeLog(name: string): string {
        return path.join(this.diskOf(name).folder, 'receipts.jsonl');
    }

    /** Where the dispatchers' ledger is. */
    get dispatcherLedger(): DispatchLedgerOptions {
        return this.database?.options ?? { file: path.join(this.diskOf('dispatcher').folder, 'ledger.sqlite') };
    }

    get dispatcherNames(): string[] {
        return this.options.postgres ? ['dispatcher', secondDispatcher] : ['dispatcher'];
    }

    /** Every process but the chain. */
    get keeperNames(): string[] {
        return [...this.dispatcherNames, ...gatewayNames, ...nodeNames, 'registrar', ...settlerNames, providerSettler];
    }

    /**
     * A node's key dies with its process and holds its platform's place until it expires, so a node that comes back often
     * comes back on another machine.
     */
    moveToFreshPlatform(name: string): void {
        if (!(nodeNames as readonly string[]).includes(name)) return;
        const file = this.local.layout.config(name);
        const config = JSON.parse(readFileSync(file, 'utf8')) as { tee: object; gpu: object };
        const platform = this.nextPlatform++;
        const moved = { ...config, tee: { ...config.tee, platform }, gpu: { ...config.gpu, platform } };
        writeFileSync(file, JSON.stringify(moved, null, 4));
    }

    async stop(): Promise<void> {
        await this.local?.stop();
        for (const proxy of [...this.rpc.values()].flat()) await proxy.close();
        for (const link of this.links.values()) await link.close();
        this.engine?.close();
        for (const disk of this.disks.values()) disk.remove();
        await this.database?.stop();
    }

    private async bringUp(): Promise<void> {
        const { dir, progress } = this.options;
        this.engine = await CountingEngine.start();
        if (this.options.postgres) {
            this.database = await LedgerDatabase.start(dir);
            this.secondPort = await freePort();
        }
        const modelRoot = (await ggufModelRoot(TOY_MODEL_PATH, TOY_MODEL_ID)).toString('hex');
        const engine = {
            kind: 'openai',
            url: this.engine.url,
            dialect: 'plain',
            capabilities: ['chat.completions'],
            modelRoot,
        };
        this.local = await LocalNetwork.launch({
            dir,
            seed: 'chaos',
            progress,
            depositNano,
            readyTimeoutMs,
            engines: Object.fromEntries(nodeNames.map((name) => [name, engine])),
            settings: (name, settings) => this.interfere(name, settings),
        });
        this.escrows.push(this.local.escrow);
        await this.openSecondEscrow();
        await this.topUpEscrows();
        if (this.options.postgres) await this.startSecondDispatcher();
        await this.startSecondGateway();
        await this.startMoreSettlers();
    }

    /** Puts proxies, a disk and a clock between a role and the world. */
    private async interfere(name: string, given: RoleSettings): Promise<RoleSettings> {
        const settings = this.options.adjust?.(given) ?? given;
        if (name === 'chain') return { ...settings, stateDir: path.join(this.diskOf(name).folder, 'state') };
        const changed = { ...settings };
        const chain = settings['chain'] as { endpoints: string[] };
        changed['chain'] = { ...chain, endpoints: await this.endpointsOf(name, chain.endpoints[0]!) };
        const { dispatcherUrl } = settings as { dispatcherUrl?: string };
        if (dispatcherUrl !== undefined) {
            changed['dispatcherUrl'] = await this.linkOf(name, dispatcherUrl);
            changed['dispatchers'] = await this.secondPlace(name);
        }
        if (settings['dispatchers'] !== undefined) {
            const [first] = settings['dispatchers'] as { url: string; hub: string }[];
            const { url, hub } = first!;
            const second = (await this.secondPlace(name)).map((place) => ({ ...place, hub }));
            changed['dispatchers'] = [{ url: await this.linkOf(name, url), hub }, ...second];
        }
        const files = await this.filesOf(name, settings);
        return { ...changed, ...files, ...nodeTerms(settings), ...settlerTerms(settings) };
    }

    /** The other dispatcher, where there is one. */
    private async secondPlace(name: string): Promise<{ url: string }[]> {
        if (!this.options.postgres) return [];
        return [{ url: await this.linkOf(`${name}/2`, `http://127.0.0.1:${this.secondPort}`) }];
    }

    private async filesOf(name: string, settings: RoleSettings): Promise<RoleSettings> {
        if (settings['receiptLogFile'] !== undefined) return { receiptLogFile: this.nodeLog(name) };
        const hasLedger = settings['ledgerFile'] !== undefined || settings['ledgerUrl'] !== undefined;
        if (!hasLedger) return {};
        const isShared = isSettler(name) || this.dispatcherNames.includes(name);
        if (isShared && this.database !== undefined) return this.databaseOf(name, this.database);
        return { ledgerFile: path.join(this.diskOf(isShared ? 'dispatcher' : name).folder, 'ledger.sqlite') };
    }

    private async databaseOf(name: string, database: LedgerDatabase): Promise<RoleSettings> {
        return {
            ledgerFile: undefined,
            ledgerUrl: database.urlBy(await this.linkOf(`${name}/db`, database.address)),
            ledgerPasswordFile: database.passwordFile,
            ...(this.dispatcherNames.includes(name) && { dispatcherId: name }),
        };
    }

    private async startSecondDispatcher(): Promise<void> {
        await this.local.startRole(secondDispatcher, 'dispatcher', {
            ...this.settingsOf('dispatcher'),
            chain: this.directChain,
            listen: { port: this.secondPort },
        });
    }

    private diskOf(name: string): Disk {
        const known = this.disks.get(name);
        if (known !== undefined) return known;
        const disk = Disk.make(path.join(this.options.dir, 'disks', name));
        this.disks.set(name, disk);
        return disk;
    }

    /** Operators that know nothing of one another; the last speaks the other API. */
    private async endpointsOf(name: string, endpoint: string): Promise<object[]> {
        const proxies: LyingEndpoint[] = [];
        for (let number = 1; number <= endpointsPerRole; number++)
            proxies.push(await LyingEndpoint.start(endpoint, this.options.dice.apart(`${name} ${number}`)));
        this.rpc.set(name, proxies);
        return proxies.map((proxy, place) =>
            place === endpointsPerRole - 1 ? { url: proxy.urlV4, kind: 'v4' } : { url: proxy.url },
        );
    }

    private async linkOf(name: string, url: string): Promise<string> {
        const link = await LinkProxy.start(url);
        this.links.set(name, link);
        return link.url;
    }

    /** Two gateways write caps of their own: each has an escrow. */
    private async openSecondEscrow(): Promise<void> {
        const { local } = this;
        const context = local.actors.context('client');
        const sessionKey = local.actors.publicKey('session-2');
        await local.devnet.faucet(context.sender.address, depositNano + toNano('10'));
        await local.act('client', await openEscrow(context, { hub: local.hub, depositNano, sessionKey, index: 1 }));
        const { address } = await Escrow.createFromConfig({
            hub: local.hub,
            network: local.deployment.registry.hash,
            client: context.sender.address,
            index: 1,
            closeDelaySec: localTerms.closeDelaySec,
        });
        this.escrows.push(address);
    }

    private async topUpEscrows(): Promise<void> {
        const { client, devnet, actors } = this.local;
        const wallet = actors.wallets.client;
        for (const address of this.escrows) {
            await devnet.faucet(wallet.address, topUpNano + toNano('1'));
            const escrow = client.open(Escrow.createFromAddress(address));
            await escrow.sendTopUp(wallet.sender(), { valueNano: topUpNano });
        }
    }

    private async startSecondGateway(): Promise<void> {
        const settings = {
            ...this.settingsOf('gateway'),
            chain: this.directChain,
            dispatchers: [{ url: this.local.dispatcherUrl, hub: this.local.hub.toString() }],
            escrowIndex: 1,
            sessionKeyFile: this.local.layout.key('session-2'),
            listen: { port: 0 },
        };
        await this.local.startRole('gateway-2', 'gateway', settings);
    }

    private async startMoreSettlers(): Promise<void> {
        for (const name of ['settler-2', providerSettler]) {
            const { ledgerFile, ledgerUrl, ledgerPasswordFile, ...settings } = this.settingsOf('settler');
            await this.fundGasWallet(`gas-${name}`);
            await this.local.startRole(name, 'settler', {
                ...settings,
                chain: this.directChain,
                ...(name === providerSettler
                    ? { nodeLogFiles: [this.nodeLog('node-1')] }
                    : { ledgerFile, ledgerUrl, ledgerPasswordFile }),
                gasWalletFile: this.local.layout.key(`gas-${name}`),
            });
        }
    }

    private async fundGasWallet(key: string): Promise<void> {
        const { actors, client, devnet } = this.local;
        const wallet = new ChainWallet({ client, key: walletKeyFromSeed(actors.keyFile(key).seed) });
        await devnet.faucet(wallet.address, toNano('50'));
    }

    private get directChain() {
        const { chain } = this.settingsOf('settler') as { chain: object };
        return { ...chain, endpoints: [`${this.local.process('chain').url}/api/v2/jsonRPC`] };
    }

    private settingsOf(name: string): RoleSettings {
        // Its own admin listener and token come with its start.
        const { role, admin, ...settings } = JSON.parse(
            readFileSync(this.local.layout.config(name), 'utf8'),
        ) as RoleSettings;
        void [role, admin];
        return settings;
    }
}

async function freePort(): Promise<number> {
    const server = createServer().listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
}

function isSettler(name: string): boolean {
    return (settlerNames as readonly string[]).includes(name);
}

function nodeTerms(settings: RoleSettings): RoleSettings {
    return settings['prices'] === undefined ? {} : { prices, creditLineNano };
}

/** Anything that pays for its gas is settled at once: the more settlements, the more that can go wrong. */
function settlerTerms(settings: RoleSettings): RoleSettings {
    return settings['intervalMs'] === 2_000 ? { minValueToCostRatio: 1 } : {};
}
