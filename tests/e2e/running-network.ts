import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import OpenAI from 'openai';
import { LocalNetwork, type LocalNetworkOptions } from '../../keepers/devnet';

const logTailLines = 15;

/** Of a launch, on a machine that has a lot else to do. */
const launchTimeoutMs = 240_000;
/** Of one test; every wait inside gives up sooner and says what it waited for. */
const testTimeoutMs = 150_000;
const waitTimeoutMs = 60_000;

export type TestNetworkOptions = Pick<
    LocalNetworkOptions,
    'depositNano' | 'engines' | 'interpose' | 'logLevel' | 'settings' | 'signingSuites' | 'tees'
>;

/** A whole network of real processes in a folder of its own, up for all tests of a file. */
export class RunningNetwork {
    private readonly dir = mkdtempSync(path.join(tmpdir(), 'cocoon-e2e-'));
    private launched: LocalNetwork | undefined;

    /** Options that take some preparing may come as a function. */
    constructor(options: TestNetworkOptions | (() => Promise<TestNetworkOptions>) = {}) {
        beforeAll(
            async () => this.launch(await (typeof options === 'function' ? options() : options)),
            launchTimeoutMs,
        );
        afterAll(() => this.stop(), launchTimeoutMs);
    }

    get network(): LocalNetwork {
        if (this.launched === undefined) throw new Error('the network is not up');
        return this.launched;
    }

    get url(): string {
        return this.network.gatewayUrl;
    }

    /** The official client, as anyone would make it. */
    client(options: { maxRetries?: number; apiKey?: string } = {}): OpenAI {
        return new OpenAI({ baseURL: `${this.url}/v1`, apiKey: 'any', maxRetries: 0, timeout: 60_000, ...options });
    }

    async getJson<T>(route: string): Promise<T> {
        const response = await fetch(this.url + route);
        if (!response.ok) throw new Error(`GET ${route} answered ${response.status}: ${await response.text()}`);
        return (await response.json()) as T;
    }

    /** A test whose failure shows the ends of all logs. */
    test(name: string, act: () => Promise<void>): void {
        test(
            name,
            async () => {
                try {
                    await act();
                } catch (error) {
                    throw withMore(error, [logTails(this.dir)]);
                }
            },
            testTimeoutMs,
        );
    }

    private async launch(options: TestNetworkOptions): Promise<void> {
        const told: string[] = [];
        try {
            this.launched = await LocalNetwork.launch({
                ...options,
                dir: this.dir,
                progress: (line) => told.push(line),
            });
            await this.launched.gatewayReady();
        } catch (error) {
            throw withMore(error, [`the launch came as far as: ${told.slice(-3).join(' | ')}`, logTails(this.dir)]);
        }
    }

    private async stop(): Promise<void> {
        await this.launched?.stop();
        rmSync(this.dir, { recursive: true, force: true });
    }
}

/** Tries until `probe` gives something other than undefined. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
    const endMs = Date.now() + waitTimeoutMs;
    let last: unknown;
    while (Date.now() < endMs) {
        try {
            const found = await probe();
            if (found !== undefined) return found;
        } catch (error) {
            last = error;
        }
        await new Promise((resolve) => setTimeout(resolve, 150));
    }
    throw new Error(`waited ${waitTimeoutMs / 1000} s in vain: ${what}`, { cause: last });
}

function withMore(error: unknown, more: readonly string[]): Error {
    const failure = error instanceof Error ? error : new Error(String(error));
    const cause = failure.cause instanceof Error ? `\ncaused by ${failure.cause.message}` : '';
    // Jest prints the stack, which holds the message as it was first.
    failure.stack = `${failure.stack ?? failure.message}${cause}\n${more.join('\n')}`;
    return failure;
}

function logTails(dir: string): string {
    const logs = path.join(dir, 'logs');
    return readdirSync(logs)
        .map((file) => {
            const lines = readFileSync(path.join(logs, file), 'utf8').trimEnd().split('\n');
            return `--- ${file}\n${lines.slice(-logTailLines).join('\n')}`;
        })
        .join('\n');
}
