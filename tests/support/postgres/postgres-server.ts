import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { findPostgres, type PostgresBinaries } from './binaries';

const user = 'cocoon';
const password = 'for-tests-only';
/** `nobody` of most systems: PostgreSQL refuses to run as root. */
const unprivileged = 65_534;

export interface PostgresServerOptions {
    /** Parent of the data folder; memory by default where there is some. */
    parent?: string;
    /** Settings of postgresql.conf. */
    settings?: Record<string, string | number>;
}

/** A real PostgreSQL of its own on a free port of the loopback. Works as root too: then it runs as another user. */
export class PostgresServer {
    private child: ChildProcess | null = null;
    private databases = 0;

    private constructor(
        private readonly binaries: PostgresBinaries,
        private readonly folder: string,
        private readonly settings: Record<string, string | number>,
        readonly port: number,
    ) {}

    static async start(options: PostgresServerOptions = {}): Promise<PostgresServer> {
        const binaries = findPostgres();
        const parent = options.parent ?? (existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir());
        const folder = mkdtempSync(path.join(parent, 'cocoon-postgres-'));
        const server = new PostgresServer(binaries, folder, options.settings ?? {}, await freePort());
        try {
            server.initialise();
            await server.up();
        } catch (error) {
            await server.stop();
            throw error;
        }
        return server;
    }

    /** Settings for `openDispatchLedger` of a new, empty database. */
    async database(): Promise<{ url: string; password: string }> {
        const name = `ledger_${process.pid}_${this.databases++}`;
        await this.query('postgres', `CREATE DATABASE ${name}`);
        return { url: this.url(name), password };
    }

    /** Without a database's name. */
    get address(): { url: string; password: string } {
        return { url: `postgres://${user}@127.0.0.1:${this.port}`, password };
    }

    url(database: string): string {
        return `${this.address.url}/${database}`;
    }

    async query(database: string, text: string): Promise<unknown[]> {
        const connectionString = this.url(database).replace('@', `:${password}@`);
        const client = new pg.Client({ connectionString });
        client.on('error', () => undefined);
        try {
            await client.connect();
            return (await client.query<Record<string, unknown>>(text)).rows;
        } finally {
            await client.end();
        }
    }

    /** Waits for transactions to be aborted in order; `crash` ends as a power cut would, and recovers at the next start. */
    async down(how: 'fast' | 'crash' = 'fast'): Promise<void> {
        const { child } = this;
        this.child = null;
        if (!child || child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
        await ended;
    }

    async up(): Promise<void> {
        const settings = {
            listen_addresses: '127.0.0.1',
            port: this.port,
            unix_socket_directories: this.folder,
            log_min_messages: 'fatal',
            ...this.settings,
        };
        const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
        const child = spawn(this.program('postgres'), ['-D', this.data, ...args], {
            ...this.as(),
            stdio: ['ignore', 'ignore', 'pipe'],
        });
        let complaint = '';
        child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-4_000)));
        this.child = child;
        for (let tries = 0; ; tries++) {
            if (child.exitCode !== null) throw new Error(`PostgreSQL ended by itself: ${complaint}`);
            const up = await this.query('postgres', 'SELECT 1').catch(() => null);
            if (up) return;
            if (tries > 600) throw new Error(`PostgreSQL does not answer: ${complaint}`);
            await sleep(50);
        }
    }

    async stop(): Promise<void> {
        await this.down('crash');
        rmSync(this.folder, { recursive: true, force: true });
        if (this.binaries.temporary) rmSync(this.binaries.temporary, { recursive: true, force: true });
    }

    private get data(): string {
        return path.join(this.folder, 'data');
    }

    private initialise(): void {
        const passwordFile = path.join(this.folder, 'password');
        writeFileSync(passwordFile, password, { mode: 0o600 });
        if (isRoot()) for (const file of [this.folder, passwordFile]) chownSync(file, unprivileged, unprivileged);
        if (this.binaries.temporary) chmodSync(this.binaries.temporary, 0o755);
        const args = ['-D', this.data, '-U', user, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
        const result = spawnSync(this.program('initdb'), [...args, '-E', 'UTF8', '--locale=C', '--no-sync'], this.as());
        if (result.status !== 0) throw new Error(`initdb failed: ${result.error?.message ?? result.stderr.toString()}`);
    }

    private as() {
        const env = { ...process.env, LD_LIBRARY_PATH: this.binaries.libraries.join(':') };
        return { cwd: this.folder, env, ...(isRoot() ? { uid: unprivileged, gid: unprivileged } : {}) };
    }

    private program(name: string): string {
        return path.join(this.binaries.folder, name);
    }
}

function isRoot(): boolean {
    return process.getuid?.() === 0;
}

async function freePort(): Promise<number> {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
}
