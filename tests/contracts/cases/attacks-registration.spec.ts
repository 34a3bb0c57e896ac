import '@ton/test-utils';
import { testKey } from '../support/ed25519';
import { createRegistry, day, RegistryEnvironment } from '../support/registry-environment';

let env: RegistryEnvironment;

beforeEach(async () => {
    env = await createRegistry();
});

afterEach(() => {
    expect(env.money.leak()).toBe(0n);
});

describe('a registrar who keeps old quotes, with the signatures that authorised them', () => {
    const stolen = testKey('node 0').publicKey;

    it.failing('brings no revoked key back, even after the provider has forgotten it', async () => {
        const bundle = { signingKey: stolen, notAfter: env.blockchain.now! + 300 * day };
        await env.verified({ bundle });
        expect(await env.provider.getKey(stolen)).not.toBeNull();
        await env.provider.sendRevokeKey(env.providerOwner.getSender(), { nodeKey: stolen });
        env.pass(11 * day);
        // Any other registration makes the provider forget what ended long ago.
        await env.verified({ bundle: { signingKey: testKey('node 1').publicKey } });
        await env.verified({ bundle });
        const key = await env.provider.getKey(stolen);
        expect(key === null || key.revokedAt !== null).toBe(true);
    });
});
