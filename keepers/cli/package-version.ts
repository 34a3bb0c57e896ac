import { readFileSync } from 'node:fs';
import path from 'node:path';

export function packageVersion(): string {
    for (const up of ['../..', '../../..']) {
        try {
            const text = readFileSync(path.join(__dirname, up, 'package.json'), 'utf8');
            return (JSON.parse(text) as { version: string }).version;
        } catch {
            // Compiled files lie one folder deeper.
        }
    }
    return 'unknown';
}
