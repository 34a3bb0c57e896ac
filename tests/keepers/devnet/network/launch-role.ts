import { RoleProcess } from '../../../../keepers/devnet/network/role-process';

/** Starts a role as `cocoon start` does, tells its process id, and stays. */
const [role, config, logFile] = process.argv.slice(2) as [string, string, string];
void RoleProcess.start({ name: role, args: [role, '--config', config], logFile }).then(({ pid }) =>
    process.stdout.write(`${pid}\n`),
);
