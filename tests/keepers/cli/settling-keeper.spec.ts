import { silentLogger } from '../../../keepers/base';
import { openSettlingKeeper } from '../../../keepers/cli/settling-keeper';
import { loadConfig } from '../../../keepers/config';
import { configuredRole } from './doctor/configured-roles';

test.each(['settler', 'watchdog'] as const)('a %s says in the ledger that it uses it, until it ends', async (role) => {
    const config = loadConfig(role, { file: await configuredRole(role) });
    const first = await openSettlingKeeper(config, silentLogger());
    const second = await openSettlingKeeper(config, silentLogger());
    const uses = async () => (await second.ledger!.leases.list(`${role} `)).leases.length;
    expect(await uses()).toBe(2);
    await first.close();
    expect(await uses()).toBe(1);
    await second.close();
});
