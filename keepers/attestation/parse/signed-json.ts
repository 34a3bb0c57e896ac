import { z } from 'zod';

/**
 * The texts Intel signs. They are parsed only after their signature has been checked over the bytes as received, and
 * are never written out again. Unknown keys are ignored: Intel adds fields within a version.
 */
const hexOf = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-fA-F]{${bytes * 2}}$`));
const svn = z.number().int().min(0).max(255);
const svn16 = z.number().int().min(0).max(0xffff);
const date = z.iso.datetime();

export const tcbStatuses = [
    'UpToDate',
    'SWHardeningNeeded',
    'ConfigurationNeeded',
    'ConfigurationAndSWHardeningNeeded',
    'OutOfDate',
    'OutOfDateConfigurationNeeded',
    'Revoked',
] as const;
export type TcbStatus = (typeof tcbStatuses)[number];

const levelFields = {
    tcbDate: date,
    tcbStatus: z.enum(tcbStatuses),
    advisoryIDs: z.array(z.string()).optional(),
};
const isvLevel = z.object({ tcb: z.object({ isvsvn: svn16 }), ...levelFields });
const components = z.array(z.object({ svn })).length(16);

const tcbInfoSchema = z.object({
    id: z.string(),
    version: z.number().int(),
    issueDate: date,
    nextUpdate: date,
    fmspc: hexOf(6),
    pceId: hexOf(2),
    tcbType: z.literal(0),
    tcbEvaluationDataNumber: z.number().int().min(0),
    tdxModule: z.object({ mrsigner: hexOf(48), attributes: hexOf(8), attributesMask: hexOf(8) }).optional(),
    tdxModuleIdentities: z
        .array(
            z.object({
                id: z.string(),
                mrsigner: hexOf(48),
                attributes: hexOf(8),
                attributesMask: hexOf(8),
                tcbLevels: z.array(isvLevel),
            }),
        )
        .optional(),
    tcbLevels: z.array(
        z.object({
            tcb: z.object({ sgxtcbcomponents: components, pcesvn: svn16, tdxtcbcomponents: components.optional() }),
            ...levelFields,
        }),
    ),
});

const qeIdentitySchema = z.object({
    id: z.string(),
    version: z.number().int(),
    issueDate: date,
    nextUpdate: date,
    tcbEvaluationDataNumber: z.number().int().min(0),
    miscselect: hexOf(4),
    miscselectMask: hexOf(4),
    attributes: hexOf(16),
    attributesMask: hexOf(16),
    mrsigner: hexOf(32),
    isvprodid: svn16,
    tcbLevels: z.array(isvLevel),
});

export type TcbInfo = z.infer<typeof tcbInfoSchema>;
export type QeIdentity = z.infer<typeof qeIdentitySchema>;
export type PlatformTcbLevel = TcbInfo['tcbLevels'][number];
export type IsvTcbLevel = z.infer<typeof isvLevel>;
export type TdxModuleIdentity = NonNullable<TcbInfo['tdxModuleIdentities']>[number];

/** Throws on text that is not TCB info of the version 3 shape. */
export function parseTcbInfo(text: string): TcbInfo {
    return tcbInfoSchema.parse(JSON.parse(text));
}

export function parseQeIdentity(text: string): QeIdentity {
    return qeIdentitySchema.parse(JSON.parse(text));
}
