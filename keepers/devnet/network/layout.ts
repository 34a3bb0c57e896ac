import { mkdirSync } from 'node:fs';
import path from 'node:path';

/** Where a local network keeps everything; all of it under one folder that only its owner can read. */
export class NetworkLayout {
    constructor(readonly dir: string) {
        for (const folder of ['keys', 'config', 'logs', 'data'])
            mkdirSync(path.join(dir, folder), { recursive: true, mode: 0o700 });
    }

    key(name: string): string {
        return path.join(this.dir, 'keys', name);
    }

    config(name: string): string {
        return path.join(this.dir, 'config', `${name}.json`);
    }

    log(name: string): string {
        return path.join(this.dir, 'logs', `${name}.log`);
    }

    data(name: string): string {
        return path.join(this.dir, 'data', name);
    }

    get deployment(): string {
        return path.join(this.dir, 'deployment.json');
    }

    get chainState(): string {
        return path.join(this.dir, 'chain');
    }
}
