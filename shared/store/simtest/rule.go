package simtest

// Rule names a rule of the protocol that a schedule can leave out.
type Rule string

// The rules that steps, the state machine and destinations keep. Those of the store's conditions are left out below it, where it asks
// DynamoDB.
const (
	NoEpoch            Rule = "epoch"
	BindLeg            Rule = "BIND without leg"
	BindAnswer         Rule = "LOAD without comparing BIND's answer"
	LeaseCheck         Rule = "no LEASE check at step start"
	GuardSeq           Rule = "guard without seq"
	GuardFence         Rule = "guard without fence"
	ReceiptRefused     Rule = "receipt without refused rows"
	ReceiptBatch       Rule = "receipt without its batch"
	AdoptObject        Rule = "no adoption of an existing object"
	ReceiptOrder       Rule = "receipt destinations in any order"
	ManifestFirst      Rule = "manifest after the checkpoint"
	VersionTest        Rule = "no version test"
	Tombstones         Rule = "no tombstones"
	VersionTerm        Rule = "version without term and fence"
	TopRedrive         Rule = "epoch without top redrive"
	LegRetry           Rule = "epoch without retry of the leg"
	TopLeg             Rule = "top ending with leg 1"
	StealByLease       Rule = "STEAL by lease alone"
	RedriveAtLeast     Rule = "redriveCount = instead of >="
	CloseDescribe      Rule = "close without Describe"
	StopLooked         Rule = "stop not looked at"
	StopBatch          Rule = "stop drops the batch"
	CommitBind         Rule = "COMMIT without BIND and fence"
	CommitGuard        Rule = "COMMIT without testing the guard"
	CommitClaim        Rule = "COMMIT without a claim by plan"
	CommitDrained      Rule = "COMMIT without the drained check"
	CommitSwapped      Rule = "COMMIT without the swapped test"
	CommitStaging      Rule = "COMMIT with one staging for all runs"
	DestinationDurable Rule = "CHECKPOINT before the destination is durable"
)

// Rules gives them all, in the order of the document.
func Rules() []Rule {
	return []Rule{
		NoEpoch, BindLeg, BindAnswer, LeaseCheck, GuardSeq, GuardFence, ReceiptRefused, ReceiptBatch, AdoptObject, ReceiptOrder, ManifestFirst, VersionTest, Tombstones, VersionTerm, TopRedrive, LegRetry, TopLeg, StealByLease, RedriveAtLeast, CloseDescribe, StopLooked, StopBatch, CommitBind, CommitGuard, CommitClaim, CommitDrained, CommitSwapped, CommitStaging, DestinationDurable,
	}
}
