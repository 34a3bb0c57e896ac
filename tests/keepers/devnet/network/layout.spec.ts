import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { ChainClient } from '../../../../keepers/chain';
import { Actors, actorNames, derivedSeed } from '../../../../keepers/devnet/network/actors';
import { NetworkLayout } from '../../../../keepers/devnet/network/layout';
import { temporaryFolder } from '../../ledger/temporary-folder';

const folder = temporaryFolder();

function actorsIn(name: string, seed: string): Actors {
    // Keys and addresses need no chain: nobody listens at this address.
    const client = new ChainClient({ endpoints: ['http://127.0.0.1:1'] });
    const layout = new NetworkLayout(path.join(folder, name));
    return new Actors({ seed, layout, client, pollIntervalMs: 1 });
}

test('only the owner may read what a network keeps, keys above all', () => {
    const actors = actorsIn('private', 'one');
    const { file } = actors.keyFile('session');
    expect(statSync(file).mode & 0o077).toBe(0);
    for (const part of ['keys', 'config', 'logs', 'data'])
        expect(statSync(path.join(folder, 'private', part)).mode & 0o077).toBe(0);
});

test('the same seed gives the same actors, another seed others, and no two share a key', () => {
    const addresses = (actors: Actors) => actorNames.map((name) => actors.wallets[name].address.toString());
    const first = addresses(actorsIn('first', 'one'));
    expect(addresses(actorsIn('again', 'one'))).toEqual(first);
    expect(addresses(actorsIn('other', 'two')).some((address) => first.includes(address))).toBe(false);
    expect(new Set(first).size).toBe(actorNames.length);
});

test('a key file that stands is the key: a network that is brought up again keeps it', () => {
    const first = actorsIn('kept', 'one');
    const { file, seed } = first.keyFile('session');
    expect(readFileSync(file, 'utf8').trim()).toBe(derivedSeed('one', 'session').toString('hex'));
    expect(actorsIn('kept', 'another seed').keyFile('session').seed.equals(seed)).toBe(true);
});
