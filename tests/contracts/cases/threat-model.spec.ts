import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(__dirname, '../../..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

const sources: Record<string, string> = {
    Registry: 'contracts/registry.tact',
    Provider: 'contracts/provider.tact',
    Payout: 'contracts/payout.tact',
    Escrow: 'contracts/escrow.tact',
    QuoteVerifier: 'contracts/attestation/quote-verifier.tact',
};

interface Abi {
    receivers: { receiver: string; message: { kind: string; type?: string } }[];
}

/** Every receiver in the compiled interface, as the document names it. */
function receiversOf(contract: string): string[] {
    const abi = JSON.parse(read(`build/${contract}/${contract}_${contract}.abi`)) as Abi;
    return abi.receivers.map(({ receiver, message }) => {
        if (receiver !== 'internal') return receiver;
        return message.kind === 'typed' ? `\`${message.type}\`` : message.kind;
    });
}

/** The interface says nothing of bounces: the messages that the handlers in the source name. */
function bouncedOf(contract: string): string[] {
    const source = read(sources[contract]!);
    const typed = [...source.matchAll(/bounced\(\w+: bounced<(\w+)>\)/g)].map((match) => match[1]!);
    const [, handler] = /^ {4}bounced\(\w+: Slice\) \{\n([\s\S]*?)^ {4}\}/m.exec(source) ?? [];
    const named = [...(handler ?? '').matchAll(/[!=]= (\w+)\.opcode\(\)|(\w+)\.fromCell\(\w+\.loadRef/g)];
    return [...typed, ...named.map((match) => (match[1] ?? match[2])!)].map((name) => `bounced \`${name}\``);
}

/** First cells of the table under the contract's heading. */
function rowsOf(contract: string): string[] {
    const [, section] = new RegExp(`^## ${contract}\\n([\\s\\S]*?)^## `, 'm').exec(read('docs/threat-model.md')) ?? [];
    const rows = (section ?? '').split('\n').filter((line) => /^\| (?!entry point|-)/.test(line));
    return rows.map((row) => row.split('|')[1]!.trim());
}

describe('the threat model', () => {
    it.each(Object.keys(sources))(
        'has a row for every message and bounce that %s takes, and for no other',
        (contract) => {
            const taken = [...receiversOf(contract), ...bouncedOf(contract)];
            expect(rowsOf(contract).sort()).toEqual(taken.sort());
        },
    );

    it('cites only tests that exist', () => {
        const cited = [...read('docs/threat-model.md').matchAll(/`([\w/-]+) › ([^`]+)`/g)];
        expect(cited.length).toBeGreaterThan(50);
        const missing = cited.filter(([, file, name]) => !hasTest(`tests/contracts/${file}.spec.ts`, name!));
        expect(missing.map(([citation]) => citation)).toEqual([]);
    });
});

/** Whether the name stands there as a whole string, which is how describe and it take it. */
function hasTest(file: string, name: string): boolean {
    if (!existsSync(path.join(root, file))) return false;
    const text = read(file).replace(/\\(['"`])/g, '$1');
    return [`'${name}'`, `"${name}"`, `\`${name}\``].some((literal) => text.includes(literal));
}
