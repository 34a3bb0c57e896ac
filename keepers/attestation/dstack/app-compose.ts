import { createHash } from 'node:crypto';
import { z } from 'zod';
import { checkReport, DstackFailure } from './check-codes';
import type { DstackAttestation } from './report';

const tcbInfoSchema = z.object({ app_compose: z.string().nullish() });

/** The manifest that the guest deployed, exactly as it was hashed; null where the report has none. */
export function appComposeOf({ tcbInfo }: DstackAttestation): string | null {
    if (tcbInfo === null) return null;
    try {
        return tcbInfoSchema.parse(typeof tcbInfo === 'string' ? JSON.parse(tcbInfo) : tcbInfo).app_compose ?? null;
    } catch {
        throw new DstackFailure('dstack_app_compose', 'info.tcb_info is not the JSON that dstack writes');
    }
}

/** The manifest shown is the one that was measured: by an event of RTMR3, and in MRCONFIGID where the host set it. */
export function checkAppCompose(
    appCompose: string | null,
    measured: { composeHash: string | null; mrConfigId: string },
) {
    const { composeHash, mrConfigId } = measured;
    const shown = appCompose === null ? null : createHash('sha256').update(appCompose, 'utf8').digest('hex');
    checkReport(
        shown === null || composeHash === shown,
        'dstack_app_compose',
        'the manifest shown (app_compose) is not the one that the guest measured',
    );
    // Format 1 of MRCONFIGID: 01 | hash of the manifest. Older hosts leave it zero.
    const named = mrConfigId.startsWith('01') ? mrConfigId.slice(2, 66) : null;
    checkReport(
        named === null || composeHash === null || named === composeHash,
        'dstack_mr_config_id',
        'MRCONFIGID names another manifest than the guest measured',
    );
}
