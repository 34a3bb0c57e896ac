import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { DispatchLedgerOptions } from '../../keepers/ledger';
import { PostgresServer } from '../support/postgres/postgres-server';

/** A PostgreSQL that holds the dispatchers' ledger, and comes and goes. */
export class LedgerDatabase {
    /** One thing at a time is done to the server. */
    private turn: Promise<void> = Promise.resolve();

    private constructor(
        private readonly server: PostgresServer,
        private readonly place: { url: string; password: string },
        readonly passwordFile: string,
    ) {}

    static async start(folder: string): Promise<LedgerDatabase> {
        const server = await PostgresServer.start();
        const place = await server.database();
        const passwordFile = path.join(folder, 'ledger-password');
        writeFileSync(passwordFile, place.password, { mode: 0o600 });
        return new LedgerDatabase(server, place, passwordFile);
    }

    /** As a client reaches it by another port. */
    urlBy(proxyUrl: string): string {
        const url = new URL(this.place.url);
        url.port = new URL(proxyUrl).port;
        return url.href;
    }

    /** For the link in between. */
    get address(): string {
        return `http://127.0.0.1:${new URL(this.place.url).port}`;
    }

    get options(): DispatchLedgerOptions {
        return this.place;
    }

    down(how: 'fast' | 'crash'): void {
        this.turn = this.turn.then(() => this.server.down(how));
    }

    up(): void {
        this.turn = this.turn.then(() => this.server.up());
    }

    /** Resolves when it is as it was last told to be. */
    settled(): Promise<void> {
        return this.turn;
    }

    stop(): Promise<void> {
        return this.turn.then(() => this.server.stop());
    }
}
