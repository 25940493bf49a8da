package dynamo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// create makes the table and says what it did.
func create(ctx context.Context, client *dynamodb.Client, table string, def infra.Table) (string, error) {
	if _, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table}); err == nil {
		return "table " + table + " is there already", nil
	}
	unknown, err := Create(ctx, client, table, def)
	if err != nil {
		return "", err
	}
	text := "made table " + table
	if len(unknown) > 0 {
		text += "; this target does not know: " + strings.Join(unknown, ", ")
	}
	return text, nil
}

// prober tries out a table. What it writes it takes away again.
type prober struct {
	s    *Store
	def  infra.Table
	desc *types.TableDescription
}

// Probe tries out what the state needs of a table, by doing it: writes whose conditions conflict, a transaction that must fail, and the
// rights to do so; and it reads the table's settings. Definite answers only: what cannot be told is a warning.
func Probe(ctx context.Context, client *dynamodb.Client, table string, def infra.Table) []store.Finding {
	p := prober{s: &Store{client: client, table: table, bound: bounds{known: map[store.CheckpointKey]store.Checkpoint{}}}, def: def}
	first := p.describe(ctx)
	if first.Err != nil {
		return []store.Finding{first}
	}
	found := []store.Finding{first, p.version(ctx), p.conditions(ctx), p.transactions(ctx), p.replicas(), p.timeToLive(ctx), p.backups(ctx), p.protection()}
	return append(found, p.indexes(ctx))
}

// describe finds the table and looks at its keys.
func (p *prober) describe(ctx context.Context) store.Finding {
	f := store.Finding{Name: "table"}
	out, err := p.s.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &p.s.table})
	if err != nil {
		f.Err = p.s.failed("describe", err)
		return f
	}
	p.desc = out.Table
	want := creating(p.s.table, p.def).KeySchema
	if !sameKeys(p.desc.KeySchema, want) {
		f.Err = fault.New(fault.ConfigInvalid, "table %s has other keys than %s and %s", p.s.table, p.def.PartitionKey, p.def.SortKey).
			WithHint("the state needs a table of its own: lockstep doctor --create makes one")
	}
	mode := "provisioned capacity: it throttles when that is used up"
	if b := p.desc.BillingModeSummary; b != nil && b.BillingMode == types.BillingModePayPerRequest {
		mode = "on demand"
	} else {
		f.Warn = true
	}
	f.Text = fmt.Sprintf("table %s is there, %s", p.s.table, mode)
	return f
}

func sameKeys(got, want []types.KeySchemaElement) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if deref(got[i].AttributeName) != deref(want[i].AttributeName) || got[i].KeyType != want[i].KeyType {
			return false
		}
	}
	return true
}

func (p *prober) version(ctx context.Context) store.Finding {
	f := store.Finding{Name: "version", Text: fmt.Sprintf("version %d", version)}
	f.Err = p.s.checkVersion(ctx)
	return f
}

// random names an item of this probe.
func random() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// conditions makes an item twice: only the first may succeed, and the refusal must show what is there.
func (p *prober) conditions(ctx context.Context) store.Finding {
	f := store.Finding{Name: "conditions"}
	k := key{"PROBE#" + random(), "1"}
	if _, first, err := p.s.put(ctx, "probe", put(k).num("n", 1), absent()); err != nil || !first {
		f.Err = orBroken(err, "a conditional write on an item that is not there was refused")
		return f
	}
	there, second, err := p.s.put(ctx, "probe", put(k).num("n", 2), absent())
	r := reader{item: there}
	shown := r.num("n")
	c := change{key: k, set: set("n", 3), when: is("n", 1)}
	_, moved, uerr := p.s.update(ctx, "probe", c)
	_, again, aerr := p.s.update(ctx, "probe", c)
	derr := p.s.delete(ctx, "probe", k)
	for _, e := range []error{err, uerr, aerr, derr} {
		if e != nil {
			f.Err = e
			return f
		}
	}
	if second || shown != 1 || !moved || again {
		f.Err = broken("it does not keep conditions: two writers would both win")
	}
	f.Text = "a write whose condition does not hold is refused, and shows the item"
	return f
}

// transactions makes a transaction whose second part must fail: then its first part must not be there; and one token twice.
func (p *prober) transactions(ctx context.Context) store.Finding {
	f := store.Finding{Name: "transactions"}
	base := "PROBE#" + random()
	a, b := key{base, "1"}, key{base, "2"}
	var bad transaction
	bad.put(&p.s.table, put(a).num("n", 1), true)
	bad.check(&p.s.table, b, present())
	refused, err := p.s.transact(ctx, "probe", bad)
	if err != nil {
		f.Err = err
		return f
	}
	left, gerr := p.s.get(ctx, "probe", a)
	good := transaction{token: digest(base)[:36]}
	good.update(&p.s.table, change{key: a, set: grow(expression.UpdateBuilder{}, "n", 1)})
	_, err1 := p.s.transact(ctx, "probe", good)
	_, err2 := p.s.transact(ctx, "probe", good)
	twice, gerr2 := p.s.get(ctx, "probe", a)
	derr := p.s.delete(ctx, "probe", a)
	for _, e := range []error{gerr, err1, err2, gerr2, derr} {
		if e != nil {
			f.Err = e
			return f
		}
	}
	r := reader{item: twice}
	switch {
	case refused.at != 1 || left != nil:
		f.Err = broken("a transaction that failed left a part of it behind")
	case r.num("n") != 1:
		f.Err = broken("a transaction that was sent twice with one token was made %d times", r.num("n"))
	}
	f.Text = "all or nothing, and once for one token"
	return f
}

func broken(format string, args ...any) error {
	return fault.New(fault.ConfigInvalid, format, args...).WithHint("the protocol cannot be kept here: use a DynamoDB that does")
}

func orBroken(err error, text string) error {
	if err != nil {
		return err
	}
	return broken("%s", text)
}

// replicas refuses a global table: its conditions hold in one Region only, and those of strong consistency have no transactions.
func (p *prober) replicas() store.Finding {
	f := store.Finding{Name: "region", Text: "one Region, no replicas"}
	if n := len(p.desc.Replicas); n > 0 || deref(p.desc.GlobalTableVersion) != "" {
		f.Err = fault.New(fault.ConfigInvalid, "table %s is a global table: its conditions hold within one Region only", p.s.table).
			WithHint("give the state a table without replicas")
	}
	return f
}

func (p *prober) timeToLive(ctx context.Context) store.Finding {
	f := store.Finding{Name: "expiry"}
	out, err := p.s.client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &p.s.table})
	switch {
	case isUnknown(err):
		f.Warn, f.Text = true, "the target knows no time to live: nothing is ever deleted"
	case err != nil:
		return unsure(f, p.s.failed("read the time to live of", err))
	case out.TimeToLiveDescription == nil || out.TimeToLiveDescription.TimeToLiveStatus == types.TimeToLiveStatusDisabled:
		f.Warn, f.Text, f.Hint = true, "time to live is off: runs, failures and logs stay for ever", "turn it on for the attribute "+p.def.TTL
	case deref(out.TimeToLiveDescription.AttributeName) != p.def.TTL:
		f.Err = fault.New(fault.ConfigInvalid, "time to live is on for the attribute %s, not %s", deref(out.TimeToLiveDescription.AttributeName), p.def.TTL)
	default:
		f.Text = "runs, failures and logs expire by the attribute " + p.def.TTL + "; locks and checkpoints have none"
	}
	return f
}

func (p *prober) backups(ctx context.Context) store.Finding {
	f := store.Finding{Name: "backups"}
	out, err := p.s.client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &p.s.table})
	switch {
	case isUnknown(err):
		f.Warn, f.Text = true, "the target knows no backups"
	case err != nil:
		return unsure(f, p.s.failed("read the backups of", err))
	case out.ContinuousBackupsDescription == nil || out.ContinuousBackupsDescription.PointInTimeRecoveryDescription == nil ||
		out.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusEnabled:
		f.Warn, f.Text, f.Hint = true, "point in time recovery is off", "turn it on: checkpoints cannot be made again from anything else"
	default:
		f.Text = "point in time recovery is on; after a restore run lockstep doctor --after-restore"
	}
	return f
}

// unsure is a setting that may not be read.
func unsure(f store.Finding, err error) store.Finding {
	f.Warn, f.Text, f.Hint = true, string(fault.CodeOf(err))+": it cannot be told", fault.Hint(err)
	return f
}

func (p *prober) protection() store.Finding {
	f := store.Finding{Name: "protection", Text: "the table cannot be deleted by mistake"}
	if p.desc.DeletionProtectionEnabled == nil || !*p.desc.DeletionProtectionEnabled {
		f.Warn, f.Text, f.Hint = true, "the table can be deleted by mistake", "turn on deletion protection"
	}
	return f
}

// indexes reads each index once.
func (p *prober) indexes(ctx context.Context) store.Finding {
	f := store.Finding{Name: "indexes"}
	for _, i := range p.def.Indexes {
		keys := expression.Key(i.PartitionKey).Equal(expression.Value("PROBE"))
		err := p.s.pages(ctx, "query index "+i.Name+" of", search{index: i.Name, keys: keys, limit: 1}, func([]item) (bool, error) { return false, nil })
		if err != nil {
			f.Err = err
			return f
		}
	}
	f.Text = fmt.Sprintf("%d indexes can be read", len(p.def.Indexes))
	return f
}
