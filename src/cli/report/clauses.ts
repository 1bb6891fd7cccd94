/**
 * Clauses of laws and standards, the topics of evidence that speak to them, and what the archive
 * cannot say about them. The asks are in our words; the texts themselves count.
 *
 * Sources: Regulation (EU) 2016/679; California Civil Code 1798.100 ff. and 11 CCR 7101; 45 CFR part
 * 164; PCI DSS v4.0.1; AICPA Trust Services Criteria (2017, revised points of focus 2022); 15 U.S.C.
 * 7262, 18 U.S.C. 1519 and 17 CFR 210.2-06; ISO/IEC 27001:2022 annex A.
 */
import type { Topic } from "./evidence.ts";

export interface Clause {
  readonly clause: string;
  /** What it asks for, in short. */
  readonly asks: string;
  readonly topics: readonly Topic[];
  readonly notCovered: string;
}

export interface Framework {
  readonly name: string;
  readonly title: string;
  readonly clauses: readonly Clause[];
}

const GDPR: readonly Clause[] = [
  {
    clause: "Art. 5(1)(c)",
    asks: "Personal data is limited to what is necessary.",
    topics: ["treatment", "pipelines", "budgets"],
    notCovered: "Whether what is left is necessary for the purpose; data that no detector finds.",
  },
  {
    clause: "Art. 5(1)(e)",
    asks: "Data is kept no longer than necessary.",
    topics: ["retention", "holds"],
    notCovered:
      "Copies outside this archive, and whether the period that was set is the right one.",
  },
  {
    clause: "Art. 5(1)(f)",
    asks: "Integrity and confidentiality.",
    topics: ["integrity", "encryption", "readers", "anchors"],
    notCovered: "Who holds the identities that open the archive.",
  },
  {
    clause: "Art. 5(2)",
    asks: "The controller can show that it complies.",
    topics: ["integrity", "access", "configuration", "presence"],
    notCovered: "All other processing of the controller.",
  },
  {
    clause: "Art. 17",
    asks: "Data is erased on request.",
    topics: ["erasure", "redaction"],
    notCovered: "Requests that were not carried out here; data of the person outside the vault.",
  },
  {
    clause: "Art. 25",
    asks: "Protection by design and by default.",
    topics: ["pipelines", "treatment", "configuration"],
    notCovered: "The applications that write the logs.",
  },
  {
    clause: "Art. 32(1)(a)",
    asks: "Pseudonymisation and encryption.",
    topics: ["treatment", "encryption"],
    notCovered: "The plain log files before the agent reads them.",
  },
  {
    clause: "Art. 32(1)(b)-(d)",
    asks: "Lasting integrity and availability, and tests of the measures.",
    topics: ["integrity", "presence", "copies"],
    notCovered: "Exercises in restoring, and the rest of the systems.",
  },
  {
    clause: "Art. 33(3), 33(5)",
    asks: "The extent of a breach can be described and is documented.",
    topics: ["access", "records", "readers"],
    notCovered: "Reading a copy with an identity leaves no entry; the documentation itself.",
  },
];

const CCPA: readonly Clause[] = [
  {
    clause: "1798.100(c)",
    asks: "Collection is reasonably necessary and proportionate.",
    topics: ["treatment", "pipelines", "budgets"],
    notCovered: "Whether the purposes that were disclosed match.",
  },
  {
    clause: "1798.100(a)(3)",
    asks: "Data is not kept longer than disclosed.",
    topics: ["retention", "holds"],
    notCovered: "The notice to consumers, and other stores.",
  },
  {
    clause: "1798.100(e)",
    asks: "Reasonable security.",
    topics: ["integrity", "encryption", "readers", "access"],
    notCovered: "Security of everything but the log trail.",
  },
  {
    clause: "1798.105",
    asks: "Data is deleted on request.",
    topics: ["erasure", "redaction"],
    notCovered: "Service providers and other stores.",
  },
  {
    clause: "11 CCR 7101",
    asks: "Records of requests are kept for 24 months.",
    topics: ["erasure", "integrity"],
    notCovered: "The request itself and the answer to the consumer.",
  },
];

const HIPAA: readonly Clause[] = [
  {
    clause: "164.308(a)(1)(ii)(D)",
    asks: "Records of system activity are reviewed regularly.",
    topics: ["access", "presence", "records"],
    notCovered: "That somebody reviewed them.",
  },
  {
    clause: "164.312(a)(1), (a)(2)(iv)",
    asks: "Access only for those allowed; encryption at rest.",
    topics: ["readers", "changedReaders", "encryption"],
    notCovered: "User identification and log-off in the applications.",
  },
  {
    clause: "164.312(b)",
    asks: "Activity in systems with health information is recorded and can be examined.",
    topics: ["records", "runs", "access", "integrity"],
    notCovered: "Events that the applications do not log.",
  },
  {
    clause: "164.312(c)(1)-(2)",
    asks: "Information is not altered or destroyed unseen.",
    topics: ["integrity", "epochs", "anchors", "copies"],
    notCovered: "Health information outside the log trail.",
  },
  {
    clause: "164.316(b)(2)(i)",
    asks: "Documentation is kept for six years.",
    topics: ["retention", "holds", "copies"],
    notCovered: "Policies and procedures; whether six years were configured.",
  },
  {
    clause: "164.514(a)-(b)",
    asks: "De-identification.",
    topics: ["treatment", "budgets"],
    notCovered: "Tokens are pseudonyms: neither safe harbor nor an expert's opinion follows.",
  },
];

const PCI_DSS: readonly Clause[] = [
  {
    clause: "3.3.1, 3.5.1",
    asks: "No sensitive authentication data is kept; card numbers are unreadable where stored.",
    topics: ["treatment", "pipelines", "encryption"],
    notCovered: "Card data outside the logs; numbers that no detector finds.",
  },
  {
    clause: "10.2.1.3",
    asks: "All access to audit logs is logged.",
    topics: ["access"],
    notCovered: "Reading a copy with an identity, or the plain files before the agent.",
  },
  {
    clause: "10.2.1.6",
    asks: "Starting, stopping and pausing of audit logs is logged.",
    topics: ["runs", "presence", "configuration"],
    notCovered: "The exact moment of a stop: it lies between two entries.",
  },
  {
    clause: "10.3.1",
    asks: "Only those with a need can read audit logs.",
    topics: ["readers", "changedReaders", "encryption"],
    notCovered: "Who holds the identities.",
  },
  {
    clause: "10.3.2, 10.3.4",
    asks: "Audit logs cannot be modified; a change is detected.",
    topics: ["integrity", "epochs", "anchors"],
    notCovered: "Changes to a line before the agent read it.",
  },
  {
    clause: "10.3.3",
    asks: "Audit logs are backed up promptly to a medium that is hard to alter.",
    topics: ["copies"],
    notCovered: "That the copy can be restored: verify it where it lies.",
  },
  {
    clause: "10.4.1",
    asks: "Audit logs are reviewed daily.",
    topics: ["access"],
    notCovered: "That somebody looked, beyond the readings on record.",
  },
  {
    clause: "10.5.1",
    asks: "Twelve months are kept, three at hand.",
    topics: ["records", "retention"],
    notCovered: "Whether twelve months were configured.",
  },
  {
    clause: "10.6",
    asks: "Clocks are synchronised.",
    topics: ["presence", "anchors"],
    notCovered:
      "The time service; only a clock that was set back, or an outside stamp, shows here.",
  },
  {
    clause: "10.7.2",
    asks: "Failures of audit logging are detected and answered.",
    topics: ["presence", "runs"],
    notCovered: "The answer; alerts come from the agent's metrics and health page.",
  },
];

const SOC_2: readonly Clause[] = [
  {
    clause: "CC6.1",
    asks: "Logical access to information is restricted.",
    topics: ["readers", "changedReaders", "encryption", "access"],
    notCovered: "All other information assets.",
  },
  {
    clause: "CC7.2, CC7.3",
    asks: "Anomalies are monitored and judged.",
    topics: ["integrity", "presence", "records"],
    notCovered: "Rules and people that judge events.",
  },
  {
    clause: "CC8.1",
    asks: "Changes are controlled.",
    topics: ["configuration", "runs"],
    notCovered: "Approval: a hash shows that a configuration changed, not who agreed.",
  },
  {
    clause: "C1.1, C1.2",
    asks: "Confidential information is protected and disposed of.",
    topics: ["treatment", "encryption", "retention"],
    notCovered: "Confidential information outside the log trail.",
  },
  {
    clause: "PI1.5",
    asks: "Stored items stay complete and accurate.",
    topics: ["integrity", "records", "copies"],
    notCovered: "What happened before the agent read a line.",
  },
  {
    clause: "P4.2, P4.3",
    asks: "Personal information is kept and disposed of as committed.",
    topics: ["retention", "holds", "erasure", "redaction"],
    notCovered: "The commitments themselves.",
  },
];

const SOX: readonly Clause[] = [
  {
    clause: "404 (15 U.S.C. 7262)",
    asks: "Internal control over financial reporting is effective and assessed.",
    topics: ["integrity", "configuration", "access", "presence"],
    notCovered: "The assessment, and controls in the financial systems.",
  },
  {
    clause: "802 (18 U.S.C. 1519)",
    asks: "Records are not altered, destroyed or falsified.",
    topics: ["integrity", "epochs", "retention", "redaction", "holds"],
    notCovered: "Records that were false when the agent read them.",
  },
  {
    clause: "802 (17 CFR 210.2-06)",
    asks: "Audit records are kept for seven years.",
    topics: ["retention", "copies", "records"],
    notCovered: "Which of the logs are audit records; whether seven years were configured.",
  },
];

const ISO_27001: readonly Clause[] = [
  {
    clause: "A.5.28",
    asks: "Evidence is collected and preserved.",
    topics: ["integrity", "epochs", "anchors", "holds", "access"],
    notCovered: "The chain of custody of copies outside.",
  },
  {
    clause: "A.5.33",
    asks: "Records are protected from loss, destruction and falsification.",
    topics: ["integrity", "copies", "retention"],
    notCovered: "Records that are not logs.",
  },
  {
    clause: "A.5.34, A.8.11",
    asks: "Personal data is protected; data is masked.",
    topics: ["treatment", "pipelines", "budgets"],
    notCovered: "Personal data in the applications and their databases.",
  },
  {
    clause: "A.8.10",
    asks: "Information is deleted when it is no longer required.",
    topics: ["retention", "erasure", "redaction"],
    notCovered: "Information outside the archive and the vault.",
  },
  {
    clause: "A.8.15, A.8.16",
    asks: "Activities are logged, protected and analysed.",
    topics: ["records", "integrity", "runs", "presence"],
    notCovered: "The analysis.",
  },
  {
    clause: "A.8.24",
    asks: "Cryptography is used by rule.",
    topics: ["encryption", "readers", "integrity"],
    notCovered: "How identities and the log key are kept.",
  },
  {
    clause: "A.8.9, A.8.32",
    asks: "Configurations and changes are managed.",
    topics: ["configuration", "runs"],
    notCovered: "Approval of changes.",
  },
];

export const FRAMEWORKS: readonly Framework[] = [
  { name: "GDPR", title: "GDPR, Regulation (EU) 2016/679", clauses: GDPR },
  { name: "CCPA", title: "CCPA, California Civil Code", clauses: CCPA },
  { name: "HIPAA", title: "HIPAA, 45 CFR part 164", clauses: HIPAA },
  { name: "PCI DSS", title: "PCI DSS v4.0.1", clauses: PCI_DSS },
  { name: "SOC 2", title: "SOC 2, Trust Services Criteria", clauses: SOC_2 },
  { name: "SOX", title: "SOX, Sarbanes-Oxley Act", clauses: SOX },
  { name: "ISO 27001", title: "ISO/IEC 27001:2022, annex A", clauses: ISO_27001 },
];
