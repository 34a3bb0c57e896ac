import type { Command } from 'commander';
import type { ActOptions } from './admin/act';
import type { StatusOptions } from './admin/status';
import type { DoctorOptions } from './doctor/doctor';
import { finish } from './finish';

/** What an operator asks of roles that run or are about to. */
export function addOperationsCommands(program: Command): void {
    addDoctor(program);
    addStatus(program);
    addAdmin(program);
}

function addDoctor(program: Command): void {
    program
        .command('doctor')
        .description(
            'check what a role needs before it runs or while it does, with what to do about each: 0 all fine, 1 something fails',
        )
        .requiredOption('-c, --config <file...>', 'configuration of one role, or of several')
        .option('--json', 'print one JSON object')
        .action((options: DoctorOptions) =>
            finish(() => {
                const { runDoctor } = require('./doctor/doctor') as typeof import('./doctor/doctor');
                return runDoctor(options);
            }),
        );
}

function addStatus(program: Command): void {
    program
        .command('status')
        .description('what a running role says of itself: 0 ready, 1 not ready (and why), 2 nothing answers')
        .option('-c, --config <file>', 'its configuration; admin.port says where it listens')
        .option('--url <url>', 'in place of it: what the role printed as adminUrl')
        .option('--json', 'print one JSON object')
        .action((options: StatusOptions) =>
            finish(() => {
                const { runRoleStatus } = require('./admin/status') as typeof import('./admin/status');
                return runRoleStatus(options);
            }),
        );
}

function addAdmin(program: Command): void {
    program
        .command('admin')
        .description(
            'have a running role do something (drain, settle, attest, log-level …); without an act, list what it can do',
        )
        .argument('[act]', 'what to do')
        .option('-c, --config <file>', 'its configuration; admin says where it listens and where its token is')
        .option('--url <url>', 'in place of it: what the role printed as adminUrl')
        .option('--token-file <file>', 'the token, where the configuration names none')
        .option('--body <json>', 'settings of the act, such as {"force":true}', '{}')
        .option('--json', 'print one JSON object')
        .action((act: string | undefined, options: ActOptions) =>
            finish(() => {
                const { runAdminAct } = require('./admin/act') as typeof import('./admin/act');
                return runAdminAct(act, options);
            }),
        );
}
