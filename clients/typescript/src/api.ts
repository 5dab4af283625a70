// Made of openapi.json by orval: npm run client. Not to be edited by hand.

import type { Client } from "./client.ts";
import type { AsksForAll, AsksForPage } from "./pages.ts";
import { send } from "./send.ts";

export interface ApiKey {
  id: string;
  /** What the key begins with: enough to recognise it, not to use it. */
  prefix: string;
  organization_id: string;
  name: string;
  created_by_user_id: string;
  /** The projects that it opens; `null`: all of the organization, later ones too. */
  project_ids: string[] | null;
  created_at: string;
  /** Written at most once a minute. */
  last_used_at: string | null;
  /** From then on it is refused; may lie ahead. */
  revoked_at: string | null;
}

export type AttemptError =
  | "dns_error"
  | "connect_error"
  | "tls_error"
  | "timeout"
  | "http_error"
  | "destination_not_allowed"
  | null;
export interface Attempt {
  attempt: number;
  started_at: string;
  duration_ms: number;
  status_code: number | null;
  response_body: string | null;
  response_truncated: boolean;
  error: AttemptError;
  url: string;
}

export type AuditEntryActorType = "user" | "api_key" | "device" | "operator";
export type AuditEntryActor = {
  type: AuditEntryActorType;
  id: string;
};

export type AuditEntryTargetType =
  | "api_key"
  | "delivery"
  | "device"
  | "environment"
  | "member"
  | "organization"
  | "palm"
  | "project"
  | "scan"
  | "session"
  | "webhook";
export type AuditEntryTarget = {
  type: AuditEntryTargetType;
  id: string;
};

export interface AuditEntry {
  id: string;
  organization_id: string;
  project_id: string | null;
  actor: AuditEntryActor;
  /** The API's operationId, or the operator's command. */
  operation: string;
  target: AuditEntryTarget;
  /** `X-Request-Id` of the answer. */
  request_id: string;
  created_at: string;
}

export interface AuditPage {
  items: AuditEntry[];
  page: number | null;
  per_page: number;
  total_count: number | null;
  next_cursor: string | null;
}

export interface ClaimedRegistration {
  status: "registered";
  device_id: string;
  project_id: string;
  /** The terminal's credential from now on. */
  device_key: string;
}

/**
 * Of templates that the terminal may send; `null` without an environment.
 */
export type CommandTemplateFormat = "palm-code.v1" | "vector-512.v1" | null;
export type EnrollmentSessionHand = "left" | "right" | "unknown";
/**
 * `pending` until the first accepted sample, then `capturing`; all others are ends. `failed`: `last_rejection` says why.
 */
export type EnrollmentSessionStatus =
  | "pending"
  | "capturing"
  | "completed"
  | "failed"
  | "cancelled"
  | "expired";
export type EnrollmentSessionLastRejectionCode =
  | "poor_quality"
  | "template_mismatch"
  | "duplicate_palm"
  | "limit_reached";
export type EnrollmentSessionLastRejection = {
  code: EnrollmentSessionLastRejectionCode;
  at: string;
} | null;

export interface EnrollmentSession {
  session_id: string;
  device_id: string;
  project_id: string;
  /** `null` in a global environment. */
  member_id: string | null;
  hand: EnrollmentSessionHand;
  /** `pending` until the first accepted sample, then `capturing`; all others are ends. `failed`: `last_rejection` says why. */
  status: EnrollmentSessionStatus;
  samples_required: number;
  samples_accepted: number;
  last_rejection: EnrollmentSessionLastRejection;
  /** Every change adds 1. */
  version: number;
  created_at: string;
  updated_at: string;
  expires_at: string;
  completed_at: string | null;
}

/**
 * In mode `demo` a success is also told as `demo.scan.success`.
 */
export type DeviceMode = "standard" | "demo";
export interface Device {
  id: string;
  project_id: string;
  name: string;
  /** A disabled one is refused samples and scans. */
  enabled: boolean;
  /** In mode `demo` a success is also told as `demo.scan.success`. */
  mode: DeviceMode;
  app_version: string | null;
  last_seen_at: string | null;
  created_at: string;
}

export interface Command {
  session: EnrollmentSession | null;
  device: Device;
  /** Of templates that the terminal may send; `null` without an environment. */
  template_format: CommandTemplateFormat;
}

export interface CreateApiKey {
  name: string;
  project_ids: string[] | null;
}

export type CreateMemberMetadata = { [key: string]: string } | null;

export interface CreateMember {
  name?: string | null;
  /** Your own id; unique in the project. Compared and kept in Unicode's NFC, upper and lower case being different. No white space at either end, no format characters (Unicode Cf). */
  external_id?: string | null;
  email?: string | null;
  phone_number?: string | null;
  metadata?: CreateMemberMetadata;
}

export interface CreateProjectApiKey {
  name: string;
}

export type CreateWebhookEventTypesItem = "enrollment.completed" | "demo.scan.success";
export interface CreateWebhook {
  url: string;
  event_types: CreateWebhookEventTypesItem[];
  enabled?: boolean | null;
  description?: string | null;
}

/**
 * An active code of ISO 4217 that is money, in upper case.
 */
export type Currency =
  | "AED"
  | "AFN"
  | "ALL"
  | "AMD"
  | "AOA"
  | "ARS"
  | "AUD"
  | "AWG"
  | "AZN"
  | "BAM"
  | "BBD"
  | "BDT"
  | "BHD"
  | "BIF"
  | "BMD"
  | "BND"
  | "BOB"
  | "BRL"
  | "BSD"
  | "BTN"
  | "BWP"
  | "BYN"
  | "BZD"
  | "CAD"
  | "CDF"
  | "CHF"
  | "CLP"
  | "CNY"
  | "COP"
  | "CRC"
  | "CUP"
  | "CVE"
  | "CZK"
  | "DJF"
  | "DKK"
  | "DOP"
  | "DZD"
  | "EGP"
  | "ERN"
  | "ETB"
  | "EUR"
  | "FJD"
  | "FKP"
  | "GBP"
  | "GEL"
  | "GHS"
  | "GIP"
  | "GMD"
  | "GNF"
  | "GTQ"
  | "GYD"
  | "HKD"
  | "HNL"
  | "HTG"
  | "HUF"
  | "IDR"
  | "ILS"
  | "INR"
  | "IQD"
  | "IRR"
  | "ISK"
  | "JMD"
  | "JOD"
  | "JPY"
  | "KES"
  | "KGS"
  | "KHR"
  | "KMF"
  | "KPW"
  | "KRW"
  | "KWD"
  | "KYD"
  | "KZT"
  | "LAK"
  | "LBP"
  | "LKR"
  | "LRD"
  | "LSL"
  | "LYD"
  | "MAD"
  | "MDL"
  | "MGA"
  | "MKD"
  | "MMK"
  | "MNT"
  | "MOP"
  | "MRU"
  | "MUR"
  | "MVR"
  | "MWK"
  | "MXN"
  | "MYR"
  | "MZN"
  | "NAD"
  | "NGN"
  | "NIO"
  | "NOK"
  | "NPR"
  | "NZD"
  | "OMR"
  | "PAB"
  | "PEN"
  | "PGK"
  | "PHP"
  | "PKR"
  | "PLN"
  | "PYG"
  | "QAR"
  | "RON"
  | "RSD"
  | "RUB"
  | "RWF"
  | "SAR"
  | "SBD"
  | "SCR"
  | "SDG"
  | "SEK"
  | "SGD"
  | "SHP"
  | "SLE"
  | "SOS"
  | "SRD"
  | "SSP"
  | "STN"
  | "SVC"
  | "SYP"
  | "SZL"
  | "THB"
  | "TJS"
  | "TMT"
  | "TND"
  | "TOP"
  | "TRY"
  | "TTD"
  | "TWD"
  | "TZS"
  | "UAH"
  | "UGX"
  | "USD"
  | "UYU"
  | "UZS"
  | "VED"
  | "VES"
  | "VND"
  | "VUV"
  | "WST"
  | "XAF"
  | "XCD"
  | "XCG"
  | "XOF"
  | "XPF"
  | "YER"
  | "ZAR"
  | "ZMW"
  | "ZWG";
export type DeliveryEventType =
  | "enrollment.completed"
  | "demo.scan.success"
  | "webhook.test"
  | "webhook.disabled";
export type DeliveryStatus = "pending" | "success" | "failed";
export type DeliveryError =
  | "dns_error"
  | "connect_error"
  | "tls_error"
  | "timeout"
  | "http_error"
  | "destination_not_allowed"
  | "subscription_disabled"
  | null;
export interface Delivery {
  id: string;
  webhook_id: string;
  event_id: string;
  event_type: DeliveryEventType;
  status: DeliveryStatus;
  attempt_count: number;
  /** Oldest first, `response_body` cut at 1,024 characters; listAttempts has all that is kept. */
  attempts: Attempt[];
  next_attempt_at: string | null;
  last_status_code: number | null;
  error: DeliveryError;
  created_at: string;
  completed_at: string | null;
}

export interface DeliveryPage {
  items: Delivery[];
  page: number | null;
  per_page: number;
  total_count: number | null;
  next_cursor: string | null;
}

export type DemoScanSuccessData = {
  event_type: "demo.scan.success";
  scan_id: string;
  device_id: string;
  member_id: string | null;
  scanned_at: string;
};

export interface DemoScanSuccess {
  event_id: string;
  event_type: "demo.scan.success";
  timestamp: string;
  project_id: string;
  data: DemoScanSuccessData;
}

export interface DeviceKey {
  /** Shown in this answer only. */
  device_key: string;
}

export interface DevicePage {
  items: Device[];
  page: number | null;
  per_page: number;
  total_count: number | null;
  next_cursor: string | null;
}

export type PalmSample =
  | {
      /** PNG, JPEG or BMP of the palm's region of interest, 96..1024 px a side, at most 1 MiB, base64 (RFC 4648 section 4). Not: CMYK, arithmetic or lossless JPEG, interlaced PNG under 8 bits, 16-bit or RLE BMP. */
      image: string;
      template?: null;
      hand?: "left" | "right" | "unknown" | null;
      /** The device's liveness score; stored with the scan. */
      pad_score?: number | null;
    }
  | {
      image?: null;
      /** A template in the environment's format. */
      template: string;
      hand?: "left" | "right" | "unknown" | null;
      /** The device's liveness score; stored with the scan. */
      pad_score?: number | null;
    };

export interface Enroll {
  member_id: string;
  samples: PalmSample[];
}

export type EnrollmentCompletedData = {
  event_type: "enrollment.completed";
  session_id: string | null;
  member_id: string | null;
  device_id: string | null;
  completed_at: string;
};

export interface EnrollmentCompleted {
  event_id: string;
  event_type: "enrollment.completed";
  timestamp: string;
  project_id: string;
  data: EnrollmentCompletedData;
}

export type EnvironmentType = "organization" | "global";
export type EnvironmentTemplateFormat = "palm-code.v1" | "vector-512.v1";
export interface Environment {
  id: string;
  type: EnvironmentType;
  template_format: EnvironmentTemplateFormat;
  /** The share of strangers that may be identified as somebody. */
  target_fpir: number;
  /** Whether the thresholds were set by people, not by assumption. */
  calibrated: boolean;
  /** The project's own; 0 in a global environment. */
  palms: number;
  server_lookup_allowed: boolean;
}

export type WebhookTestEventData = {
  event_type: "webhook.test";
  test_id: string;
};

export interface WebhookTestEvent {
  event_id: string;
  event_type: "webhook.test";
  timestamp: string;
  project_id: string;
  data: WebhookTestEventData;
}

export type WebhookDisabledDataReason = "gone" | "failing" | "destination_not_allowed";
export type WebhookDisabledData = {
  event_type: "webhook.disabled";
  webhook_id: string;
  reason: WebhookDisabledDataReason;
  disabled_at: string;
};

export interface WebhookDisabled {
  event_id: string;
  event_type: "webhook.disabled";
  timestamp: string;
  project_id: string;
  data: WebhookDisabledData;
}

export type Event = EnrollmentCompleted | DemoScanSuccess | WebhookTestEvent | WebhookDisabled;

export interface EventPage {
  items: Event[];
  page: number | null;
  per_page: number;
  total_count: number | null;
  next_cursor: string | null;
}

export type HealthStatus = "ok" | "degraded" | "down";
export type HealthChecksItemStatus = "ok" | "failed" | "timeout";
export type HealthChecksItem = {
  name: string;
  critical: boolean;
  status: HealthChecksItemStatus;
  took_ms: number;
};

export interface Health {
  status: HealthStatus;
  checks: HealthChecksItem[];
}

export type IdentificationOutcome = "identified" | "no_match";
export type IdentificationHand = "left" | "right" | "unknown" | null;
export interface Identification {
  scan_id: string;
  outcome: IdentificationOutcome;
  member_id: string | null;
  score: number | null;
  /** Two digits. */
  threshold: number;
  hand: IdentificationHand;
  /** How many palms were compared. */
  searched: number;
  took_ms: number;
}

export const LivenessValue = {
  status: "ok",
} as const;
export type Liveness = typeof LivenessValue;

export type MemberMetadata = { [key: string]: string };

export interface Member {
  id: string;
  project_id: string;
  name: string | null;
  /** Your own id; unique in the project. Kept in Unicode's NFC, whatever form was sent. */
  external_id: string | null;
  email: string | null;
  /** E.164. */
  phone_number: string | null;
  metadata: MemberMetadata;
  /** How many palms are enrolled. */
  palms: number;
  created_at: string;
  updated_at: string;
}

export interface MemberPage {
  items: Member[];
  page: number | null;
  per_page: number;
  total_count: number | null;
  next_cursor: string | null;
}

export interface NewApiKey {
  id: string;
  /** What the key begins with: enough to recognise it, not to use it. */
  prefix: string;
  organization_id: string;
  name: string;
  created_by_user_id: string;
  /** The projects that it opens; `null`: all of the organization, later ones too. */
  project_ids: string[] | null;
  created_at: string;
  /** Written at most once a minute. */
  last_used_at: string | null;
  /** From then on it is refused; may lie ahead. */
  revoked_at: string | null;
  /** The whole key. Shown in this answer only. */
  key: string;
}

export type NextCommand =
  | {
      /** Seconds. */
      wait?: number | null;
      /** Of the terminal's software. */
      app_version?: string | null;
      /** The active session that the terminal knows. */
      session_id: string;
      /** Its version that the terminal knows. */
      session_version: number;
    }
  | {
      /** Seconds. */
      wait?: number | null;
      /** Of the terminal's software. */
      app_version?: string | null;
      session_id?: null;
      session_version?: null;
    };

export type OpenApiOpenapi = "3.1.0";
export interface OpenApi {
  openapi: OpenApiOpenapi;
  [key: string]: unknown;
}

export type OrganizationPlan = "sandbox" | "business" | "enterprise";
export interface Organization {
  id: string;
  name: string;
  plan: OrganizationPlan;
}

export type PalmHand = "left" | "right" | "unknown";
export type PalmTemplateFormat = "palm-code.v1" | "vector-512.v1";
export interface Palm {
  id: string;
  member_id: string | null;
  hand: PalmHand;
  template_format: PalmTemplateFormat;
  samples: number;
  /** `null` where the format has none. */
  quality: number | null;
  created_at: string;
}

export const PendingRegistrationValue = {
  status: "pending",
} as const;
export type PendingRegistration = typeof PendingRegistrationValue;

export interface PollEnrollment {
  session_id: string;
  /** The newest one that the caller has seen. */
  version?: number | null;
  /** Seconds. */
  wait?: number | null;
}

export interface Project {
  id: string;
  organization_id: string;
  environment_id: string | null;
  name: string;
  phone_number: string | null;
  website: string | null;
  /** Devices may be registered by the customer. No plan's name. */
  sandbox: boolean;
  /** Identify and verify may be called with an API key. */
  server_lookup_enabled: boolean;
  created_at: string;
}

export interface RecoverDeliveries {
  since: string;
}

export interface Recovery {
  deliveries: number;
}

export interface RegisterDevice {
  /** As the terminal shows it; case, spaces and hyphens do not matter. */
  registration_code: string;
  name: string;
}

export interface Registration {
  /** 8 characters of Crockford's base32, to be shown. */
  registration_code: string;
  /** To ask with what became of the code; not to be shown. */
  claim_token: string;
  /** The code works until then, 15 minutes. */
  expires_at: string;
}

export interface RotateApiKey {
  grace_seconds?: number | null;
}

export interface RotateWebhookSecret {
  grace_seconds?: number | null;
}

export type ScanSource = "api" | "terminal";
export type ScanOperation = "identify" | "verify" | "enroll";
/**
 * Of identify `identified` or `no_match`, of verify `match` or `no_match`, of an enrolment `enrolled`.
 */
export type ScanOutcome = "identified" | "no_match" | "match" | "enrolled";
export interface Scan {
  id: string;
  project_id: string;
  device_id: string | null;
  source: ScanSource;
  operation: ScanOperation;
  /** Of identify `identified` or `no_match`, of verify `match` or `no_match`, of an enrolment `enrolled`. */
  outcome: ScanOutcome;
  /** `null` but on an `identified` scan. */
  member_id: string | null;
  score: number | null;
  created_at: string;
}

export interface ScanPage {
  items: Scan[];
  page: number | null;
  per_page: number;
  total_count: number | null;
  next_cursor: string | null;
}

export type ScanSummaryBucket = "hour" | "day";
export type ScanSummaryBucketsItem = {
  start: string;
  identified: number;
  no_match: number;
  total: number;
};

export interface ScanSummary {
  bucket: ScanSummaryBucket;
  from: string;
  to: string;
  buckets: ScanSummaryBucketsItem[];
}

export type ScannedPalmOutcome = "identified" | "no_match";
export type ScannedPalmHand = "left" | "right" | "unknown" | null;
/**
 * `declined` where nobody was identified.
 */
export type TransactionStatus = "approved" | "declined";
export interface Transaction {
  id: string;
  project_id: string;
  device_id: string;
  member_id: string | null;
  scan_id: string;
  /** `declined` where nobody was identified. */
  status: TransactionStatus;
  /** In the currency's minor unit. */
  amount_minor: number;
  /** ISO 4217, upper case. */
  currency: string;
  reference: string | null;
  created_at: string;
}

export interface ScannedPalm {
  scan_id: string;
  outcome: ScannedPalmOutcome;
  member_id: string | null;
  score: number | null;
  /** Two digits. */
  threshold: number;
  hand: ScannedPalmHand;
  /** How many palms were compared. */
  searched: number;
  took_ms: number;
  transaction: Transaction | null;
}

export interface ServerLookup {
  enabled: boolean;
}

export type StartEnrollmentHand = "left" | "right" | "unknown" | null;
export interface StartEnrollment {
  /** Required, except in a global environment: its palms have no member, and it is refused there. */
  member_id?: string | null;
  hand?: StartEnrollmentHand;
  samples_required?: number | null;
  /** Seconds. */
  expires_in?: number | null;
}

export interface StartRegistration {
  app_version?: string | null;
  model?: string | null;
}

export type SubmitSample =
  | {
      /** PNG, JPEG or BMP of the palm's region of interest, 96..1024 px a side, at most 1 MiB, base64 (RFC 4648 section 4). Not: CMYK, arithmetic or lossless JPEG, interlaced PNG under 8 bits, 16-bit or RLE BMP. */
      image: string;
      template?: null;
      hand?: "left" | "right" | "unknown" | null;
      /** The device's liveness score; stored with the scan. */
      pad_score?: number | null;
      /** The terminal's own: sent again, the sample is not counted again. */
      sample_id: string;
    }
  | {
      image?: null;
      /** A template in the environment's format. */
      template: string;
      hand?: "left" | "right" | "unknown" | null;
      /** The device's liveness score; stored with the scan. */
      pad_score?: number | null;
      /** The terminal's own: sent again, the sample is not counted again. */
      sample_id: string;
    };

export type TerminalScan =
  | {
      /** PNG, JPEG or BMP of the palm's region of interest, 96..1024 px a side, at most 1 MiB, base64 (RFC 4648 section 4). Not: CMYK, arithmetic or lossless JPEG, interlaced PNG under 8 bits, 16-bit or RLE BMP. */
      image: string;
      template?: null;
      hand?: "left" | "right" | "unknown" | null;
      /** The device's liveness score; stored with the scan. */
      pad_score?: number | null;
      /** What is to be paid; `Idempotency-Key` is required with it. */
      transaction?: {
        /** In the currency's minor unit. */
        amount_minor: number;
        currency: Currency;
        /** The merchant's own word for it. */
        reference?: string | null;
      } | null;
    }
  | {
      image?: null;
      /** A template in the environment's format. */
      template: string;
      hand?: "left" | "right" | "unknown" | null;
      /** The device's liveness score; stored with the scan. */
      pad_score?: number | null;
      /** What is to be paid; `Idempotency-Key` is required with it. */
      transaction?: {
        /** In the currency's minor unit. */
        amount_minor: number;
        currency: Currency;
        /** The merchant's own word for it. */
        reference?: string | null;
      } | null;
    };

export interface TransactionPage {
  items: Transaction[];
  page: number | null;
  per_page: number;
  total_count: number | null;
  next_cursor: string | null;
}

export type UpdateDeviceMode = "standard" | "demo";
export interface UpdateDevice {
  name?: string;
  enabled?: boolean;
  mode?: UpdateDeviceMode;
}

export type UpdateMemberMetadata = { [key: string]: string } | null;

export interface UpdateMember {
  name?: string | null;
  /** Your own id; unique in the project. Compared and kept in Unicode's NFC, upper and lower case being different. No white space at either end, no format characters (Unicode Cf). */
  external_id?: string | null;
  email?: string | null;
  phone_number?: string | null;
  metadata?: UpdateMemberMetadata;
}

export type UpdateWebhookEventTypesItem = "enrollment.completed" | "demo.scan.success";
export interface UpdateWebhook {
  url?: string;
  event_types?: UpdateWebhookEventTypesItem[];
  enabled?: boolean;
  description?: string | null;
}

export type VerificationOutcome = "match" | "no_match";
export type VerificationHand = "left" | "right" | "unknown" | null;
export interface Verification {
  scan_id: string;
  outcome: VerificationOutcome;
  /** `null` when there was no palm to compare with. */
  score: number | null;
  /** Two digits. */
  threshold: number;
  hand: VerificationHand;
  took_ms: number;
}

export type WebhookEventTypesItem = "enrollment.completed" | "demo.scan.success";
/**
 * Why it was disabled, unless you did it: it answered 410, failed for 14 days, leads astray.
 */
export type WebhookDisabledReason = "gone" | "failing" | "destination_not_allowed" | null;
export interface Webhook {
  id: string;
  project_id: string;
  /** In canonical form (WHATWG URL). */
  url: string;
  event_types: WebhookEventTypesItem[];
  enabled: boolean;
  description: string | null;
  /** Why it was disabled, unless you did it: it answered 410, failed for 14 days, leads astray. */
  disabled_reason: WebhookDisabledReason;
  created_at: string;
  updated_at: string;
}

export interface WebhookTest {
  event_id: string;
  test_id: string;
  delivery_id: string;
}

export type WebhookWithSecretEventTypesItem = "enrollment.completed" | "demo.scan.success";
/**
 * Why it was disabled, unless you did it: it answered 410, failed for 14 days, leads astray.
 */
export type WebhookWithSecretDisabledReason = "gone" | "failing" | "destination_not_allowed" | null;
export interface WebhookWithSecret {
  id: string;
  project_id: string;
  /** In canonical form (WHATWG URL). */
  url: string;
  event_types: WebhookWithSecretEventTypesItem[];
  enabled: boolean;
  description: string | null;
  /** Why it was disabled, unless you did it: it answered 410, failed for 14 days, leads astray. */
  disabled_reason: WebhookWithSecretDisabledReason;
  created_at: string;
  updated_at: string;
  /** What signatures are made with. Shown in this answer only. */
  secret: string;
}

/**
 * For programs; does not change.
 */
export type ProblemCode =
  | "invalid_request"
  | "unauthenticated"
  | "forbidden"
  | "environment_not_tenant_managed"
  | "server_lookup_disabled"
  | "project_not_sandbox"
  | "device_disabled"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "duplicate_palm"
  | "session_active"
  | "limit_reached"
  | "idempotency_mismatch"
  | "expired"
  | "too_large"
  | "unsupported_media_type"
  | "poor_quality"
  | "template_mismatch"
  | "destination_not_allowed"
  | "rate_limited"
  | "internal"
  | "unavailable";
export type ProblemErrorsItem = {
  /** Dotted, `samples.0.image`; a query parameter or header by its name; empty for the whole body. */
  path: string;
  message: string;
};

/**
 * Problem details (RFC 9457).
 */
export interface Problem {
  type: "about:blank";
  title: string;
  status: number;
  /** For people; may change. */
  detail: string;
  /** For programs; does not change. */
  code: ProblemCode;
  /** The answer's `X-Request-Id`. */
  request_id: string;
  /** The request's faults, with status 400 only. When there are over 100, the last entry says how many more. */
  errors?: ProblemErrorsItem[];
}

/**
 * What webhooks are sent.
 */
export type WebhookEvent = EnrollmentCompleted | DemoScanSuccess | WebhookTestEvent;

export type ListScansParams = {
  /** Inclusive; 24 hours before `to` unless given. */
  from?: string | undefined;
  /** Exclusive; now unless given. */
  to?: string | undefined;
  /** 1 unless given; not with `cursor`. */
  page?: number | undefined;
  /** 50 unless given. */
  per_page?: number | undefined;
  /** `next_cursor` of the page before. */
  cursor?: string | undefined;
};

export type ScanSummaryParams = {
  /** Inclusive; 24 hours before `to` unless given. */
  from?: string | undefined;
  /** Exclusive; now unless given. */
  to?: string | undefined;
  bucket: ScanSummaryBucket;
  /** An IANA name such as `Europe/Berlin`; `UTC` unless given. */
  time_zone?: string | undefined;
};

export type ListTransactionsParams = {
  /** Inclusive; 24 hours before `to` unless given. */
  from?: string | undefined;
  /** Exclusive; now unless given. */
  to?: string | undefined;
  /** 1 unless given; not with `cursor`. */
  page?: number | undefined;
  /** 50 unless given. */
  per_page?: number | undefined;
  /** `next_cursor` of the page before. */
  cursor?: string | undefined;
};

export type ExportTransactionsParams = {
  /** Inclusive; 24 hours before `to` unless given. */
  from?: string | undefined;
  /** Exclusive; now unless given. */
  to?: string | undefined;
};

export type ListDevicesParams = {
  /** 1 unless given; not with `cursor`. */
  page?: number | undefined;
  /** 50 unless given. */
  per_page?: number | undefined;
  /** `next_cursor` of the page before. */
  cursor?: string | undefined;
};

export type GetEnrollmentParams = {
  session_id?: string | undefined;
};

export type CancelEnrollmentParams = {
  session_id: string;
};

export type ListMembersParams = {
  /** 1 unless given; not with `cursor`. */
  page?: number | undefined;
  /** 50 unless given. */
  per_page?: number | undefined;
  /** `next_cursor` of the page before. */
  cursor?: string | undefined;
  /** The whole id, upper and lower case being different; Unicode's forms of it are the same id. Not with `cursor`. */
  external_id?: string | undefined;
};

export type ListAuditParams = {
  /** Inclusive; 24 hours before `to` unless given. */
  from?: string | undefined;
  /** Exclusive; now unless given. */
  to?: string | undefined;
  /** 1 unless given; not with `cursor`. */
  page?: number | undefined;
  /** 50 unless given. */
  per_page?: number | undefined;
  /** `next_cursor` of the page before. */
  cursor?: string | undefined;
};

export type ListDeliveriesParams = {
  /** Inclusive; 24 hours before `to` unless given. */
  from?: string | undefined;
  /** Exclusive; now unless given. */
  to?: string | undefined;
  /** 1 unless given; not with `cursor`. */
  page?: number | undefined;
  /** 50 unless given. */
  per_page?: number | undefined;
  /** `next_cursor` of the page before. */
  cursor?: string | undefined;
  status?: ListDeliveriesStatus | undefined;
  event_type?: ListDeliveriesEventType | undefined;
};

export type ListDeliveriesStatus = "pending" | "success" | "failed";
export type ListDeliveriesEventType =
  | "enrollment.completed"
  | "demo.scan.success"
  | "webhook.test"
  | "webhook.disabled";
export type ListEventsParams = {
  /** `next_cursor` of the page before. */
  cursor?: string | undefined;
  /** 50 unless given. */
  per_page?: number | undefined;
  event_type?: ListEventsEventType | undefined;
};

export type ListEventsEventType =
  | "enrollment.completed"
  | "demo.scan.success"
  | "webhook.test"
  | "webhook.disabled";
/**
 * List scans.
 *
 * Every identification, verification and enrolment of a range, newest first. While new ones come in, `cursor` gives each once, and so does `page` with one fixed `to`.
 */
export function listScans(project_id: string, query: ListScansParams, client: Client): Promise<ScanPage> {
  return send(client, { method: "GET", path: "/project/{project_id}/scans", ids: { project_id }, query });
}

/**
 * Count identifications by hour or day.
 *
 * How identifications ended, those at terminals included, hour by hour (a range of at most 48 hours) or day by day (at most 31 days). Buckets begin with the hours or the days of `time_zone`, of UTC unless it is given, and are there when they are empty; only what lies in the range is counted. Where clocks change, a day has 23 or 25 hours, and an hour that comes twice is two buckets.
 */
export function scanSummary(
  project_id: string,
  query: ScanSummaryParams,
  client: Client,
): Promise<ScanSummary> {
  return send(client, {
    method: "GET",
    path: "/project/{project_id}/scans/summary",
    ids: { project_id },
    query,
  });
}

/**
 * List transactions.
 *
 * The transactions of a range, newest first, as an array that is streamed: without its `]` it is incomplete. With `per_page`, `page` or `cursor` one page of them. Hosting cuts an answer after 60 s; what takes longer is asked of the function's own URL.
 */
export function listTransactions(
  project_id: string,
  query: AsksForAll<ListTransactionsParams>,
  client: Client,
): Promise<Transaction[]>;
export function listTransactions(
  project_id: string,
  query: AsksForPage<ListTransactionsParams>,
  client: Client,
): Promise<TransactionPage>;
export function listTransactions(
  project_id: string,
  query: ListTransactionsParams,
  client: Client,
): Promise<Transaction[] | TransactionPage> {
  return send(client, {
    method: "GET",
    path: "/project/{project_id}/transactions",
    ids: { project_id },
    query,
  });
}

/**
 * Export transactions as CSV.
 *
 * The transactions of a range, newest first, as RFC 4180: a header row, CRLF, no byte order mark, `null` as an empty field. Without its last CRLF it is incomplete. Text that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`, `@`, tab or CR) gets a leading `'`. Hosting cuts an answer after 60 s; what takes longer is asked of the function's own URL.
 */
export function exportTransactions(
  project_id: string,
  query: ExportTransactionsParams,
  client: Client,
): Promise<string> {
  return send(client, {
    method: "GET",
    path: "/project/{project_id}/transactions/csv",
    ids: { project_id },
    query,
  });
}

/**
 * List an organization's API keys.
 *
 * All keys of the organization, newest first, revoked ones included. The secret part is never shown.
 */
export function listOrganizationApiKeys(org_id: string, client: Client): Promise<ApiKey[]> {
  return send(client, { method: "GET", path: "/organization/{org_id}/api-keys", ids: { org_id } });
}

/**
 * Create an API key.
 *
 * Makes a key for the whole organization (`project_ids: null`, projects made later included) or for some of its projects. `key` is shown in this answer only: keep it, we store its hash alone.
 */
export function createOrganizationApiKey(
  org_id: string,
  body: CreateApiKey,
  client: Client,
): Promise<NewApiKey> {
  return send(client, {
    method: "POST",
    path: "/organization/{org_id}/api-keys",
    ids: { org_id },
    body,
    idempotent: true,
  });
}

/**
 * Revoke an API key.
 *
 * The very next request with the key is refused. The key stays listed; revoking it again changes nothing.
 */
export function revokeOrganizationApiKey(org_id: string, key_id: string, client: Client): Promise<void> {
  return send(client, {
    method: "DELETE",
    path: "/organization/{org_id}/api-keys/{key_id}",
    ids: { org_id, key_id },
  });
}

/**
 * Rotate an API key.
 *
 * Makes a new key with the name and the projects of the old one, which goes on working for `grace_seconds` (a day unless given); revoking it meanwhile ends it at once. A key that was revoked or rotated before is refused.
 */
export function rotateApiKey(
  org_id: string,
  key_id: string,
  body: RotateApiKey,
  client: Client,
): Promise<NewApiKey> {
  return send(client, {
    method: "POST",
    path: "/organization/{org_id}/api-keys/{key_id}/rotate",
    ids: { org_id, key_id },
    body,
    idempotent: true,
  });
}

/**
 * List a project's API keys.
 *
 * The keys that open the project now: those of its whole organization and those scoped to it, newest first. Revoked ones are left out.
 */
export function listProjectApiKeys(project_id: string, client: Client): Promise<ApiKey[]> {
  return send(client, { method: "GET", path: "/project/{project_id}/api-keys", ids: { project_id } });
}

/**
 * Create an API key of a project.
 *
 * Makes a key that opens this project alone. `key` is shown in this answer only: keep it, we store its hash alone.
 */
export function createProjectApiKey(
  project_id: string,
  body: CreateProjectApiKey,
  client: Client,
): Promise<NewApiKey> {
  return send(client, {
    method: "POST",
    path: "/project/{project_id}/api-keys",
    ids: { project_id },
    body,
    idempotent: true,
  });
}

/**
 * Identify a palm.
 *
 * Compares a palm with every palm of the project (of that hand, when it is told) and names its member, or says `no_match`. Leaves one scan. Needs server lookup to be on.
 */
export function identify(project_id: string, body: PalmSample, client: Client): Promise<Identification> {
  return send(client, { method: "POST", path: "/project/{project_id}/identify", ids: { project_id }, body });
}

/**
 * Enrol a palm.
 *
 * Enrols one palm of a member from 1 to 5 samples of it; three make it robust. A palm that the member has already is replaced under the same id, with a new `created_at`; another member's is refused. Found by the very next identify. Leaves one scan and emits `enrollment.completed`.
 */
export function enrollPalm(project_id: string, body: Enroll, client: Client): Promise<Palm> {
  return send(client, {
    method: "POST",
    path: "/project/{project_id}/enroll",
    ids: { project_id },
    body,
    idempotent: true,
  });
}

/**
 * Verify a member's palm.
 *
 * Compares a palm with those of one member (of that hand, when it is told). Leaves one scan. Needs server lookup to be on.
 */
export function verifyPalm(
  project_id: string,
  member_id: string,
  body: PalmSample,
  client: Client,
): Promise<Verification> {
  return send(client, {
    method: "POST",
    path: "/project/{project_id}/members/{member_id}/verify",
    ids: { project_id, member_id },
    body,
  });
}

/**
 * Submit a sample of an enrolment session.
 *
 * One sample of the palm that is enrolled at this terminal. One that is refused is told in `last_rejection`: `poor_quality`, or `template_mismatch` where it is not of the palm or the hand of those before. The last accepted one completes the session: the palm is enrolled, one scan recorded and `enrollment.completed` emitted; a palm of another member ends it as `failed`. Whatever the sample becomes, the answer is the session. A `sample_id` that was judged before, and a completed session, change nothing; 410 where it has ended otherwise.
 */
export function submitSample(
  session_id: string,
  body: SubmitSample,
  client: Client,
): Promise<EnrollmentSession> {
  return send(client, {
    method: "POST",
    path: "/terminal/enrollment/{session_id}/samples",
    ids: { session_id },
    body,
    idempotent: true,
  });
}

/**
 * Scan a palm at the door.
 *
 * Identifies a palm among those of the terminal's project, in a global environment among all, whose `member_id` is `null`. Leaves one scan; a `transaction` that is sent is approved, or declined where nobody was identified. In mode `demo` a success emits `demo.scan.success`.
 */
export function scan(body: TerminalScan, client: Client): Promise<ScannedPalm> {
  return send(client, { method: "POST", path: "/terminal/scans", body, idempotent: true });
}

/**
 * List devices.
 *
 * The palm terminals of the project, newest first, a page at a time.
 */
export function listDevices(
  project_id: string,
  query: ListDevicesParams,
  client: Client,
): Promise<DevicePage> {
  return send(client, { method: "GET", path: "/project/{project_id}/devices", ids: { project_id }, query });
}

/**
 * Register a device.
 *
 * Makes a device of the terminal that shows the code, in a sandbox project; elsewhere your operator does it. The terminal fetches its key itself. A code is used once: one that the organization used before, or that is older than 15 minutes, is 410. Ten wrong codes in 10 minutes, then any code is 429.
 */
export function registerDevice(project_id: string, body: RegisterDevice, client: Client): Promise<Device> {
  return send(client, {
    method: "POST",
    path: "/project/{project_id}/devices/register",
    ids: { project_id },
    body,
    idempotent: true,
  });
}

/**
 * Get a device.
 *
 * One palm terminal of a project that the caller may see.
 */
export function getDevice(device_id: string, client: Client): Promise<Device> {
  return send(client, { method: "GET", path: "/device/{device_id}", ids: { device_id } });
}

/**
 * Update a device.
 *
 * Changes the fields that are named: its name, whether it is enabled, its mode.
 */
export function updateDevice(device_id: string, body: UpdateDevice, client: Client): Promise<Device> {
  return send(client, { method: "PATCH", path: "/device/{device_id}", ids: { device_id }, body });
}

/**
 * Delete a device.
 *
 * Its key is refused from the very next request on, and its enrollment session ends; its scans stay. Twice is 404.
 */
export function deleteDevice(device_id: string, client: Client): Promise<void> {
  return send(client, { method: "DELETE", path: "/device/{device_id}", ids: { device_id } });
}

/**
 * Rotate a device's key.
 *
 * Makes a new key for the device, to be brought to it. The old one is refused from the very next request on, and is no longer there for the terminal to fetch.
 */
export function rotateDeviceKey(device_id: string, client: Client): Promise<DeviceKey> {
  return send(client, {
    method: "POST",
    path: "/device/{device_id}/rotate-key",
    ids: { device_id },
    idempotent: true,
  });
}

/**
 * Start an enrolment at a terminal.
 *
 * Asks the terminal to take samples of a palm of the member; it hears of it within a second, while it polls. A device has one active session at most. It ends by its last sample, by its cancellation, by its time, or when the member or the device is deleted or the device disabled.
 */
export function startEnrollment(
  device_id: string,
  body: StartEnrollment,
  client: Client,
): Promise<EnrollmentSession> {
  return send(client, {
    method: "POST",
    path: "/device/{device_id}/enrollment",
    ids: { device_id },
    body,
    idempotent: true,
  });
}

/**
 * Get a terminal's active enrolment.
 *
 * The session that waits for samples or has some, or `null`; with `session_id` only if it is that one. What became of one that has ended is told by pollEnrollment.
 */
export function getEnrollment(
  device_id: string,
  query: GetEnrollmentParams,
  client: Client,
): Promise<EnrollmentSession | null> {
  return send(client, { method: "GET", path: "/device/{device_id}/enrollment", ids: { device_id }, query });
}

/**
 * Cancel an enrolment.
 *
 * Ends the session that is named, and erases the samples that it has; the terminal hears of it within a second. 404 when it is not active; twice is 204.
 */
export function cancelEnrollment(
  device_id: string,
  query: CancelEnrollmentParams,
  client: Client,
): Promise<void> {
  return send(client, {
    method: "DELETE",
    path: "/device/{device_id}/enrollment",
    ids: { device_id },
    query,
  });
}

/**
 * Wait for news of an enrolment.
 *
 * The session once its `version` is newer than the one that is named, at once where none is, or else as it is after `wait`. One that has ended is told until another one starts or 24 hours have passed; then, and of a session that was never on the device, the answer is `null`, at once.
 */
export function pollEnrollment(
  device_id: string,
  body: PollEnrollment,
  client: Client,
): Promise<EnrollmentSession | null> {
  return send(client, {
    method: "POST",
    path: "/device/{device_id}/enrollment/poll",
    ids: { device_id },
    body,
  });
}

/**
 * List members.
 *
 * All members, newest first, as an array that is streamed: without its `]` it is incomplete. With `per_page`, `page` or `cursor` one page of them. With `external_id` a page of the one member that has this id, or of none.
 */
export function listMembers(
  project_id: string,
  query: AsksForAll<ListMembersParams>,
  client: Client,
): Promise<Member[]>;
export function listMembers(
  project_id: string,
  query: AsksForPage<ListMembersParams>,
  client: Client,
): Promise<MemberPage>;
export function listMembers(
  project_id: string,
  query: ListMembersParams,
  client: Client,
): Promise<Member[] | MemberPage> {
  return send(client, { method: "GET", path: "/project/{project_id}/members", ids: { project_id }, query });
}

/**
 * Create a member.
 *
 * A person as you know them; every field may be left out. `external_id` is unique in the project, upper and lower case being different. When another member has it, listMembers with `external_id` finds that member.
 */
export function createMember(project_id: string, body: CreateMember, client: Client): Promise<Member> {
  return send(client, {
    method: "POST",
    path: "/project/{project_id}/members",
    ids: { project_id },
    body,
    idempotent: true,
  });
}

/**
 * Get a member.
 *
 * One member of the project.
 */
export function getMember(project_id: string, member_id: string, client: Client): Promise<Member> {
  return send(client, {
    method: "GET",
    path: "/project/{project_id}/members/{member_id}",
    ids: { project_id, member_id },
  });
}

/**
 * Update a member.
 *
 * Changes the fields that are named: `null` clears one, `metadata` is replaced whole. `external_id` stays unique in the project.
 */
export function updateMember(
  project_id: string,
  member_id: string,
  body: UpdateMember,
  client: Client,
): Promise<Member> {
  return send(client, {
    method: "PATCH",
    path: "/project/{project_id}/members/{member_id}",
    ids: { project_id, member_id },
    body,
  });
}

/**
 * Update a member.
 *
 * The same as PATCH: a field that is not named stays as it is.
 *
 * @deprecated
 */
export function updateMemberPut(
  project_id: string,
  member_id: string,
  body: UpdateMember,
  client: Client,
): Promise<Member> {
  return send(client, {
    method: "PUT",
    path: "/project/{project_id}/members/{member_id}",
    ids: { project_id, member_id },
    body,
  });
}

/**
 * Delete a member and erase its palms.
 *
 * No request that begins after this answer matches its palms, on any instance; every stored copy of them is gone within 24 hours. A running enrolment session is cancelled. Scans and transactions stay. Twice is 404.
 */
export function deleteMember(project_id: string, member_id: string, client: Client): Promise<void> {
  return send(client, {
    method: "DELETE",
    path: "/project/{project_id}/members/{member_id}",
    ids: { project_id, member_id },
  });
}

/**
 * List a member's palms.
 *
 * The enrolled palms of a member, newest first; never their templates.
 */
export function listPalms(project_id: string, member_id: string, client: Client): Promise<Palm[]> {
  return send(client, {
    method: "GET",
    path: "/project/{project_id}/members/{member_id}/palms",
    ids: { project_id, member_id },
  });
}

/**
 * Erase a palm.
 *
 * No request that begins after this answer matches the palm, on any instance; every stored copy of it is gone within 24 hours. A running enrolment session of the member is cancelled. The member stays. Twice is 404.
 */
export function deletePalm(
  project_id: string,
  member_id: string,
  palm_id: string,
  client: Client,
): Promise<void> {
  return send(client, {
    method: "DELETE",
    path: "/project/{project_id}/members/{member_id}/palms/{palm_id}",
    ids: { project_id, member_id, palm_id },
  });
}

/**
 * List organizations.
 *
 * The organizations that the console user administers, newest first.
 */
export function listOrganizations(client: Client): Promise<Organization[]> {
  return send(client, { method: "GET", path: "/organizations" });
}

/**
 * List projects.
 *
 * A console user sees the projects of the organizations they administer, an API key those that it opens. Newest first.
 */
export function listProjects(client: Client): Promise<Project[]> {
  return send(client, { method: "GET", path: "/projects" });
}

/**
 * Get a project.
 *
 * One project that the caller may see.
 */
export function getProject(project_id: string, client: Client): Promise<Project> {
  return send(client, { method: "GET", path: "/projects/{project_id}", ids: { project_id } });
}

/**
 * Get a project's environment.
 *
 * Where the project's palms live: their format, how strict the decision is, and how many are the project's. 404 when it has none.
 */
export function getEnvironment(project_id: string, client: Client): Promise<Environment> {
  return send(client, { method: "GET", path: "/project/{project_id}/environment", ids: { project_id } });
}

/**
 * Switch server lookup on or off.
 *
 * Whether identify and verify may be called with an API key; from the very next request on. On is refused where the project has no environment that allows it.
 */
export function updateServerLookup(project_id: string, body: ServerLookup, client: Client): Promise<Project> {
  return send(client, {
    method: "PATCH",
    path: "/project/{project_id}/server-lookup",
    ids: { project_id },
    body,
  });
}

/**
 * List the audit log.
 *
 * Who changed what in a range, newest first: keys, members, palms, devices and settings, by the API and by the operator. An entry is written together with its change, and kept for 400 days.
 */
export function listAudit(org_id: string, query: ListAuditParams, client: Client): Promise<AuditPage> {
  return send(client, { method: "GET", path: "/organization/{org_id}/audit", ids: { org_id }, query });
}

/**
 * Start a registration.
 *
 * For a terminal out of its box: it shows the code until somebody enters it, and asks with the token for its key. Both are in this answer only. 30 in 10 minutes from one address.
 */
export function startRegistration(body: StartRegistration, client: Client): Promise<Registration> {
  return send(client, { method: "POST", path: "/terminal/registrations", body });
}

/**
 * Claim a registration.
 *
 * Tells a terminal whether its code was entered, and gives it its key then: the same until the key is first used, for 15 minutes at most. Afterwards, and when nobody entered the code in time, it is 410: start again.
 */
export function claimRegistration(client: Client): Promise<PendingRegistration | ClaimedRegistration> {
  return send(client, { method: "POST", path: "/terminal/registrations/claim" });
}

/**
 * Wait for what a terminal is to do.
 *
 * The device's settings and its active session: at once when that is not the one, in the version, that the terminal names, or where it names none; within a second of a change of either; or else after `wait`. Poll again at once, naming the session that you were told. Also the heartbeat: it keeps `last_seen_at`, to the minute, and `app_version`. A disabled device is told so; 401 means that its key is no longer good.
 */
export function nextCommand(body: NextCommand, client: Client): Promise<Command> {
  return send(client, { method: "POST", path: "/terminal/poll", body });
}

/**
 * List webhooks.
 *
 * The project's subscriptions, newest first; never their secrets.
 */
export function listWebhooks(project_id: string, client: Client): Promise<Webhook[]> {
  return send(client, { method: "GET", path: "/project/{project_id}/webhooks", ids: { project_id } });
}

/**
 * Create a webhook.
 *
 * Subscribes a URL to events of the project; `secret`, which signs them, is in this answer only. The URL is https on port 443 or one from 1024, and leads to a public address. A project has at most 25.
 */
export function createWebhook(
  project_id: string,
  body: CreateWebhook,
  client: Client,
): Promise<WebhookWithSecret> {
  return send(client, {
    method: "POST",
    path: "/project/{project_id}/webhooks",
    ids: { project_id },
    body,
    idempotent: true,
  });
}

/**
 * Get a webhook.
 *
 * One subscription of the project; never its secret.
 */
export function getWebhook(project_id: string, webhook_id: string, client: Client): Promise<Webhook> {
  return send(client, {
    method: "GET",
    path: "/project/{project_id}/webhooks/{webhook_id}",
    ids: { project_id, webhook_id },
  });
}

/**
 * Update a webhook.
 *
 * Changes the fields that are named. While it is disabled deliveries wait, and new events are kept for recoverDeliveries; enabling it goes on with what waited, and clears `disabled_reason`.
 */
export function updateWebhook(
  project_id: string,
  webhook_id: string,
  body: UpdateWebhook,
  client: Client,
): Promise<Webhook> {
  return send(client, {
    method: "PATCH",
    path: "/project/{project_id}/webhooks/{webhook_id}",
    ids: { project_id, webhook_id },
    body,
  });
}

/**
 * Delete a webhook.
 *
 * Nothing more is sent to it, whatever was under way; its deliveries and attempts go with it. Twice is 404.
 */
export function deleteWebhook(project_id: string, webhook_id: string, client: Client): Promise<void> {
  return send(client, {
    method: "DELETE",
    path: "/project/{project_id}/webhooks/{webhook_id}",
    ids: { project_id, webhook_id },
  });
}

/**
 * Send a test event.
 *
 * Sends an event `webhook.test` to this subscription, whatever it is subscribed to; getting it wrong does not count against its endpoint.
 */
export function testWebhook(project_id: string, webhook_id: string, client: Client): Promise<WebhookTest> {
  return send(client, {
    method: "POST",
    path: "/project/{project_id}/webhooks/{webhook_id}/test",
    ids: { project_id, webhook_id },
    idempotent: true,
  });
}

/**
 * Rotate a webhook's secret.
 *
 * Makes a new secret, shown in this answer only. For `grace_seconds` (a day unless given) the old one signs too: `webhook-signature` carries both, `X-Webhook-Signature` the old one's. Rotating again ends the one before that.
 */
export function rotateWebhookSecret(
  project_id: string,
  webhook_id: string,
  body: RotateWebhookSecret,
  client: Client,
): Promise<WebhookWithSecret> {
  return send(client, {
    method: "POST",
    path: "/project/{project_id}/webhooks/{webhook_id}/rotate-secret",
    ids: { project_id, webhook_id },
    body,
    idempotent: true,
  });
}

/**
 * List deliveries.
 *
 * What was sent to the subscription in a range, or will be, newest first; kept for 30 days.
 */
export function listDeliveries(
  project_id: string,
  webhook_id: string,
  query: ListDeliveriesParams,
  client: Client,
): Promise<DeliveryPage> {
  return send(client, {
    method: "GET",
    path: "/project/{project_id}/webhooks/{webhook_id}/deliveries",
    ids: { project_id, webhook_id },
    query,
  });
}

/**
 * List a delivery's attempts.
 *
 * Every attempt, oldest first, with up to 100 KB of what was answered; an array that is streamed: without its `]` it is incomplete.
 */
export function listAttempts(
  project_id: string,
  webhook_id: string,
  delivery_id: string,
  client: Client,
): Promise<Attempt[]> {
  return send(client, {
    method: "GET",
    path: "/project/{project_id}/webhooks/{webhook_id}/deliveries/{delivery_id}/attempts",
    ids: { project_id, webhook_id, delivery_id },
  });
}

/**
 * Retry a delivery.
 *
 * One more attempt at once, also of what has arrived or failed; the schedule stays as it is. A delivery has at most 100 attempts.
 */
export function retryDelivery(
  project_id: string,
  webhook_id: string,
  delivery_id: string,
  client: Client,
): Promise<Delivery> {
  return send(client, {
    method: "POST",
    path: "/project/{project_id}/webhooks/{webhook_id}/deliveries/{delivery_id}/retry",
    ids: { project_id, webhook_id, delivery_id },
    idempotent: true,
  });
}

/**
 * Send again what has failed.
 *
 * Every failed delivery created since then begins its schedule anew, those of a time in which the subscription was disabled included. At most 14 days back.
 */
export function recoverDeliveries(
  project_id: string,
  webhook_id: string,
  body: RecoverDeliveries,
  client: Client,
): Promise<Recovery> {
  return send(client, {
    method: "POST",
    path: "/project/{project_id}/webhooks/{webhook_id}/recover",
    ids: { project_id, webhook_id },
    body,
    idempotent: true,
  });
}

/**
 * List events.
 *
 * What webhooks push, to be pulled: the events of the last 30 days, oldest first. `next_cursor` is always there; ask again with it later. Events come 5 seconds late, so that none is skipped.
 */
export function listEvents(project_id: string, query: ListEventsParams, client: Client): Promise<EventPage> {
  return send(client, { method: "GET", path: "/project/{project_id}/events", ids: { project_id }, query });
}

/**
 * Is the process alive?.
 *
 * Answers at once and touches nothing.
 */
export function liveness(client: Client): Promise<Liveness> {
  return send(client, { method: "GET", path: "/health/live" });
}

/**
 * Are the dependencies well?.
 *
 * Asks each dependency, within 800 ms, at most every 2 s per instance. 200 with `ok` or `degraded` (one that is not critical fails), 503 with `down` and the same document.
 */
export function health(client: Client): Promise<Health> {
  return send(client, { method: "GET", path: "/health", answers: [503] });
}

/**
 * This document.
 *
 * The API as OpenAPI 3.1.
 */
export function openapi(client: Client): Promise<OpenApi> {
  return send(client, { method: "GET", path: "/openapi.json" });
}
