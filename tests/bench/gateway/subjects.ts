import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { errorMessage, systemClock } from '../../../keepers/base';
import { Child, type Facts } from './child';
import { type AnswerShape, benchModel, requestBody } from './engine-events';
import type { Target } from './roles/load';

/** Something that stands between a client and the engine. */
export interface Subject {
    name: string;
    target: Target;
    /** Its processes; their CPU is added up. Empty for the way without anything between. */
    measured: Child[];
    /** Before each round. */
    prepare?: (shape: AnswerShape) => Promise<unknown>;
}

export interface Subjects {
    subjects: Subject[];
    /** Foreign ones that do not run here, and why. */
    unavailable: Record<string, string>;
    stop(): void;
}

const chat = '/v1/chat/completions';

/** Starts every subject, each in processes of its own. Ours must run; of the others it is said why they don't. */
export class SubjectStarter {
    private readonly children: Child[] = [];
    private readonly subjects: Subject[] = [];
    private readonly unavailable: Record<string, string> = {};

    constructor(
        private readonly upstreamUrl: string,
        private readonly progress: (line: string) => void,
        /** Whether a subject is to be measured at all. */
        private readonly wants: (name: string) => boolean,
    ) {}

    async startAll(): Promise<Subjects> {
        const { upstreamUrl, children, subjects, unavailable } = this;
        const stop = () => children.forEach((child) => child.stop());
        try {
            this.add('direct', { url: upstreamUrl, path: chat }, []);
            const { wants } = this;
            if (wants('proxy')) await this.startProxy('proxy', false);
            if (wants('dispatcher') || wants('dispatcherPost')) await this.startDispatcher('dispatcher', false);
            if (wants('endToEnd')) await this.startEndToEnd();
            if (wants('proxyTls')) await this.startProxy('proxyTls', true);
            if (wants('dispatcherTls')) await this.startDispatcher('dispatcherTls', true);
            if (wants('llms')) await this.tryForeign('llms', () => this.startLlms());
            if (wants('portkey')) await this.tryForeign('portkey', () => this.startPortkey());
        } catch (error) {
            stop();
            throw error;
        }
        return { subjects, unavailable, stop };
    }

    private add(name: string, target: Target, measured: Child[], prepare?: Subject['prepare']): void {
        if (this.wants(name)) this.subjects.push({ name, target, measured, ...(prepare && { prepare }) });
    }

    private async role(name: string, role: string, settings: object): Promise<{ child: Child; facts: Facts }> {
        this.progress(`starting ${name}`);
        const started = await Child.startRole(name, role, settings);
        this.children.push(started.child);
        return started;
    }

    private async startProxy(name: string, tls: boolean): Promise<void> {
        const { child, facts } = await this.role(name, 'undici-proxy', { upstreamUrl: this.upstreamUrl, tls });
        this.add(name, { url: facts.url, path: chat }, [child]);
    }

    private async startDispatcher(name: string, tls: boolean): Promise<void> {
        const { child, facts } = await this.role(name, 'dispatcher', { tls });
        const node = await this.role(`${name}-node`, 'sealed-node', { dispatcherUrl: facts.url });
        const target = { url: facts.url, path: '/v1/requests', offerHash: node.facts['offerHash'] as Buffer };
        const prepare = (shape: AnswerShape) => node.child.ask('shape', shape);
        this.add(name, { ...target, linked: true }, [child], prepare);
        if (!tls) this.add('dispatcherPost', target, [child], prepare);
    }

    private async startEndToEnd(): Promise<void> {
        const dispatcher = await this.role('e2e-dispatcher', 'dispatcher', {});
        const dispatcherUrl = dispatcher.facts.url;
        const node = await this.role('e2e-node', 'node', { dispatcherUrl, upstreamUrl: this.upstreamUrl });
        const gateway = await this.role('e2e-gateway', 'gateway', { dispatcherUrl });
        const measured = [gateway.child, dispatcher.child, node.child];
        this.add('endToEnd', { url: gateway.facts.url, path: chat }, measured, async () => {
            const terms = await node.child.ask<object>('terms');
            await gateway.child.ask('terms', { ...terms, dispatcherUrl });
        });
    }

    private async tryForeign(name: string, start: () => Promise<void>): Promise<void> {
        try {
            await start();
        } catch (error) {
            this.unavailable[name] = errorMessage(error).slice(0, 1_000);
            this.progress(`${name} does not run here: ${errorMessage(error).split('\n')[0]}`);
        }
    }

    private async startLlms(): Promise<void> {
        const { child, facts } = await this.role('llms', 'llms', { upstreamUrl: this.upstreamUrl });
        await answersOnce(facts.url, {}, `mock,${benchModel}`);
        this.add('llms', { url: facts.url, path: chat, model: `mock,${benchModel}` }, [child]);
    }

    /** As its package starts it; the mock engine is given as OpenAI at another host. */
    private async startPortkey(): Promise<void> {
        this.progress('starting portkey');
        const port = await freePort();
        const script = path.join(
            path.dirname(createRequire(__filename).resolve('@portkey-ai/gateway/package.json')),
            'build/start-server.js',
        );
        const child = Child.start({
            name: 'portkey',
            script,
            foreign: true,
            args: [`--port=${port}`, '--headless'],
            execArgv: ['--require', path.join(__dirname, 'mutable-headers.cjs')],
        });
        this.children.push(child);
        const headers = {
            authorization: 'Bearer none',
            'x-portkey-provider': 'openai',
            'x-portkey-custom-host': `${this.upstreamUrl}/v1`,
        };
        const url = `http://127.0.0.1:${port}`;
        await answersOnce(url, headers, benchModel);
        this.add('portkey', { url, path: chat, headers }, [child]);
    }
}

/** Until the server is up and answers one request well. @throws with the last problem */
async function answersOnce(url: string, headers: Record<string, string>, model: string): Promise<void> {
    let problem = '';
    for (let tries = 0; tries < 60; tries++) {
        try {
            const answer = await fetch(url + chat, {
                method: 'POST',
                headers: { 'content-type': 'application/json', ...headers },
                body: requestBody({ events: 2, intervalMs: 1 }, model),
            });
            const text = await answer.text();
            if (answer.ok && text.includes('[DONE]')) return;
            problem = `${answer.status} ${text.slice(0, 300)}`;
        } catch (error) {
            problem = error instanceof Error ? `${error.message} ${errorMessage(error.cause)}` : String(error);
        }
        await systemClock.sleep(250);
    }
    throw new Error(`it does not answer: ${problem}`);
}

async function freePort(): Promise<number> {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    return port;
}
