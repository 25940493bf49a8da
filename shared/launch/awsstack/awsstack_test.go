package awsstack_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/bundle"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/launch"
	"github.com/lockstep-data/lockstep/shared/launch/awsstack"
	"github.com/lockstep-data/lockstep/shared/launch/awsstep"
	"github.com/lockstep-data/lockstep/shared/store"
)

// cloud is AWS as far as an installation asks it: each call answers what the test has written for it, else what a healthy stack says. The real
// parts are in the tests with LocalStack; here is what those cannot say.
type cloud struct {
	*httptest.Server
	mu      sync.Mutex
	say     map[string]reply // by call
	objects map[string]string
	param   string
	deleted []string
}

type reply struct {
	status int
	body   string
	error  string // header of a function's error
}

const machineARN = "arn:aws:states:us-east-1:1:stateMachine:lockstep-dev-sync"

func newCloud(t *testing.T) *cloud {
	c := &cloud{say: map[string]reply{}, objects: map[string]string{}}
	c.Server = httptest.NewServer(http.HandlerFunc(c.handle))
	t.Cleanup(c.Close)
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_MAX_ATTEMPTS": "1", "AWS_CONFIG_FILE": t.TempDir() + "/none",
		"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "", "AWS_PROFILE": "", "AWS_REGION": ""} {
		t.Setenv(k, v)
	}
	return c
}

func (c *cloud) open(t *testing.T) (launch.Installation, error) {
	t.Helper()
	open := awsstack.Opener(awsstack.Options{Machine: awsstep.Open, Attempts: 1, Now: func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }})
	return open(t.Context(), launch.Place{Stack: "lockstep-dev", Region: "us-east-1", Endpoint: c.URL})
}

func (c *cloud) mustOpen(t *testing.T) launch.Installation {
	t.Helper()
	i, err := c.open(t)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Close() })
	return i
}

// call names what a request asks for.
func call(r *http.Request, body string) string {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case target != "":
		return target[strings.LastIndexByte(target, '.')+1:]
	case strings.Contains(body, "Action=DescribeStacks"):
		return "DescribeStacks"
	case strings.HasSuffix(r.URL.Path, "/invocations"):
		return "Invoke"
	case strings.Contains(r.URL.Path, "/account-settings"):
		return "GetAccountSettings"
	case strings.HasSuffix(r.URL.Path, "/versions"):
		return "ListVersions"
	case strings.HasSuffix(r.URL.Path, "/configuration"):
		return "GetFunctionConfiguration"
	case strings.Contains(r.URL.Path, "/functions/"):
		return "DeleteFunction"
	}
	return "S3"
}

func (c *cloud) handle(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body) // what lacks is missed by the test
	body := string(text)
	name := call(r, body)
	c.mu.Lock()
	defer c.mu.Unlock()
	if said, ok := c.say[name]; ok {
		if said.error != "" {
			w.Header().Set("X-Amz-Function-Error", said.error)
		}
		w.WriteHeader(said.status)
		fmt.Fprint(w, said.body)
		return
	}
	switch name {
	case "DescribeStacks":
		fmt.Fprint(w, stackXML("StateTable=t", "Bucket=the-bucket", "BundleParameter=/p", "SyncMachine="+machineARN, "StartFunction=lockstep-dev-start"))
	case "GetItem":
		fmt.Fprint(w, `{"Item":{"pk":{"S":"META"},"sk":{"S":"VERSION"},"version":{"N":"1"}}}`)
	case "PutItem":
		w.WriteHeader(400)
		fmt.Fprint(w, `{"__type":"ConditionalCheckFailedException","message":"made up"}`)
	case "GetParameter":
		fmt.Fprintf(w, `{"Parameter":{"Name":"/p","Value":%q}}`, c.param)
	case "PutParameter":
		_, after, _ := strings.Cut(body, `"Value":"`)
		c.param, _, _ = strings.Cut(after, `"`)
		fmt.Fprint(w, `{"Version":2}`)
	case "Invoke":
		fmt.Fprint(w, `{"job":"a","run":"r1","state":"started","execution":"e"}`)
	case "GetAccountSettings":
		fmt.Fprint(w, `{"AccountLimit":{"ConcurrentExecutions":1000,"UnreservedConcurrentExecutions":900}}`)
	case "GetFunctionConfiguration":
		fmt.Fprint(w, `{"Environment":{"Variables":{"LOCKSTEP_TABLE":"t","LOCKSTEP_BUCKET":"b","LOCKSTEP_BUNDLE":"p","LOCKSTEP_STAGE":"s","LOCKSTEP_PREFIX":"l","LOCKSTEP_MACHINE":"m"}}}`)
	case "DescribeStateMachine":
		fmt.Fprint(w, `{"name":"sync","status":"ACTIVE","definition":"{\"Resource\":\"arn:aws:lambda:us-east-1:1:function:lockstep-dev-load:12\"}"}`)
	case "DescribeExecution":
		w.WriteHeader(400)
		fmt.Fprint(w, `{"__type":"ExecutionDoesNotExist","message":"made up"}`)
	case "ListExecutions":
		fmt.Fprint(w, `{"executions":[{"executionArn":"x","stateMachineArn":"y","name":"z","status":"RUNNING","startDate":1}]}`)
	case "DescribeStateMachineForExecution":
		fmt.Fprint(w, `{"definition":"{\"Resource\":\"arn:aws:lambda:us-east-1:1:function:lockstep-dev-load:3\"}"}`)
	case "ListVersions":
		fmt.Fprint(w, versions(r.URL.Path))
	case "DeleteFunction":
		c.deleted = append(c.deleted, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]+":"+r.URL.Query().Get("Qualifier"))
		w.WriteHeader(204)
	default:
		c.s3(w, r, body)
	}
}

func (c *cloud) s3(w http.ResponseWriter, r *http.Request, body string) {
	_, there := c.objects[r.URL.Path]
	switch {
	case r.Method == http.MethodPut && there:
		w.WriteHeader(412)
		fmt.Fprint(w, "<Error><Code>PreconditionFailed</Code></Error>")
	case r.Method == http.MethodPut:
		c.objects[r.URL.Path] = body
		w.Header().Set("ETag", `"x"`)
	case r.Method == http.MethodDelete:
		delete(c.objects, r.URL.Path)
		w.WriteHeader(204)
	case !there:
		w.WriteHeader(404)
		fmt.Fprint(w, "<Error><Code>NoSuchKey</Code></Error>")
	default:
		fmt.Fprint(w, c.objects[r.URL.Path])
	}
}

func stackXML(outputs ...string) string {
	var out strings.Builder
	for _, o := range outputs {
		key, value, _ := strings.Cut(o, "=")
		fmt.Fprintf(&out, "<member><OutputKey>%s</OutputKey><OutputValue>%s</OutputValue></member>", key, value)
	}
	return "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>lockstep-dev</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>" +
		out.String() + "</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
}

// versions: load has some of every kind, the other functions only the latest.
func versions(path string) string {
	v := func(name, at string) string {
		return fmt.Sprintf(`{"Version":%q,"LastModified":"%s","CodeSize":10}`, name, at)
	}
	out := []string{v("$LATEST", "2026-02-27T00:00:00.000+0000")}
	if strings.Contains(path, "lockstep-dev-load/") {
		out = append(out, v("1", "2026-01-01T00:00:00.000+0000") /* old */, v("2", "2026-02-20T00:00:00.000+0000") /* young */, v("3", "2026-01-02T00:00:00.000+0000") /* of a run */, v("12",
			"2026-01-03T00:00:00.000+0000"), /* of the machine */ v("13", "2026-01-04T00:00:00.000+0000") /* old */, v("14", "2026-02-26T00:00:00.000+0000") /* newest */)
	}
	return `{"Versions":[` + strings.Join(out, ",") + `]}`
}

func TestOpener(t *testing.T) {
	c := newCloud(t)
	about := c.mustOpen(t).About()
	if about != (launch.About{Stack: "lockstep-dev", Region: "us-east-1", Table: "t", Bucket: "the-bucket", Parameter: "/p", Machine: machineARN, Function: "lockstep-dev-start"}) {
		t.Errorf("got %+v", about)
	}
	xmlError := func(code, text string) string {
		return "<ErrorResponse><Error><Code>" + code + "</Code><Message>" + text + "</Message></Error></ErrorResponse>"
	}
	for name, c2 := range map[string]struct {
		say  reply
		want fault.Code
		text string
	}{
		"no such stack": {reply{status: 400, body: xmlError("ValidationError", "Stack with id lockstep-dev does not exist")}, fault.ConfigInvalid, "--stack"},
		"another stack": {reply{status: 200, body: stackXML("Url=x")}, fault.ConfigInvalid, "no installation of Lockstep"},
		"denied":        {reply{status: 403, body: xmlError("AccessDenied", "made up")}, fault.AuthDenied, "doctor"},
		"throttled":     {reply{status: 400, body: xmlError("Throttling", "made up")}, fault.RateLimited, ""},
		"down":          {reply{status: 500, body: xmlError("InternalFailure", "made up")}, fault.Transient, ""},
	} {
		c.say = map[string]reply{"DescribeStacks": c2.say}
		if _, err := c.open(t); !fault.Has(err, c2.want) || !strings.Contains(err.Error(), c2.text) {
			t.Errorf("%s: got %v (%s), want %s", name, err, fault.CodeOf(err), c2.want)
		}
	}
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	open := awsstack.Opener(awsstack.Options{Machine: awsstep.Open, Now: time.Now})
	if _, err := open(t.Context(), launch.Place{Stack: "x"}); !fault.Has(err, fault.ConfigInvalid) || !strings.Contains(err.Error(), "--region") {
		t.Errorf("no Region: %v", err)
	}
}

func TestStart(t *testing.T) {
	c := newCloud(t)
	i := c.mustOpen(t)
	a, err := i.Start(t.Context(), launch.Request{Job: "a"})
	if err != nil || a.State != launch.Started || a.Run != "r1" {
		t.Errorf("got %+v, %v", a, err)
	}
	for said, want := range map[string]fault.Code{
		`{"errorType":"Lockstep.NotFound","errorMessage":"there is no job"}`: fault.NotFound,
		`{"errorType":"Lockstep.Conflict","errorMessage":"x"}`:               fault.Conflict,
		`{"errorType":"Runtime.ExitError","errorMessage":"x"}`:               fault.Internal,
		`no JSON`: fault.Internal,
	} {
		c.say["Invoke"] = reply{status: 200, body: said, error: "Unhandled"}
		if _, err := i.Start(t.Context(), launch.Request{Job: "a"}); !fault.Has(err, want) {
			t.Errorf("%s: got %v (%s)", said, err, fault.CodeOf(err))
		}
	}
}

func TestApply(t *testing.T) {
	c := newCloud(t)
	i := c.mustOpen(t)
	c.say["GetParameter"] = reply{status: 400, body: `{"__type":"ParameterNotFound"}`}
	if _, err := i.Bundle(t.Context()); !fault.Has(err, fault.NotFound) {
		t.Errorf("no parameter: %v", err)
	}
	delete(c.say, "GetParameter")
	c.param = "none"
	if _, err := i.Bundle(t.Context()); !fault.Has(err, fault.ConfigInvalid) {
		t.Errorf("a parameter that names no place: %v", err)
	}
	data := []byte("{\"format\":1,\"jobs\":[\n]}\n")
	key, err := i.Apply(t.Context(), data)
	if err != nil || c.param != bundle.Place("the-bucket", key) || c.objects["/the-bucket/"+key] != string(data) {
		t.Fatalf("key %s, parameter %s, objects %v, %v", key, c.param, c.objects, err)
	}
	if b, err := i.Bundle(t.Context()); err != nil || b.Key != key {
		t.Errorf("got %+v, %v", b, err)
	}
	c.say["PutParameter"] = reply{status: 400, body: `{"__type":"AccessDeniedException","message":"made up"}`}
	if _, err := i.Apply(t.Context(), data); !fault.Has(err, fault.AuthDenied) || !strings.Contains(err.Error(), "not current") {
		t.Errorf("got %v", err)
	}
}

func TestPrune(t *testing.T) {
	c := newCloud(t)
	i := c.mustOpen(t)
	const old = 15 * 24 * time.Hour
	for _, dry := range []bool{true, false} {
		gone, err := i.Prune(t.Context(), old, dry)
		if err != nil || len(gone) != 2 || gone[0].Version != "1" || gone[1].Version != "13" {
			t.Errorf("dry %t: got %+v, %v", dry, gone, err)
		}
		if got := strings.Join(c.deleted, " "); dry && got != "" || !dry && got != "lockstep-dev-load:1 lockstep-dev-load:13" {
			t.Errorf("dry %t: deleted %s", dry, got)
		}
	}
}

func TestProbe(t *testing.T) {
	c := newCloud(t)
	i := c.mustOpen(t)
	if _, err := i.Apply(t.Context(), []byte("{\"format\":1,\"jobs\":[\n]}\n")); err != nil {
		t.Fatal(err)
	}
	find := func(name string) store.Finding {
		t.Helper()
		for _, f := range i.Probe(context.WithoutCancel(t.Context())) {
			if f.Name == name {
				return f
			}
		}
		t.Fatalf("nothing is said of %s", name)
		return store.Finding{}
	}
	for _, f := range i.Probe(t.Context()) {
		if f.Err != nil || f.Warn {
			t.Errorf("a healthy installation: %+v", f)
		}
	}
	for name, c2 := range map[string]struct {
		call string
		say  reply
		warn bool
		text string
	}{
		"concurrency": {"GetAccountSettings", reply{status: 200, body: `{"AccountLimit":{"ConcurrentExecutions":10,"UnreservedConcurrentExecutions":10}}`}, false, "L-B99A9384"},
		"machine":     {"DescribeStateMachine", reply{status: 200, body: `{"name":"sync","status":"ACTIVE","definition":"${Hole}"}`}, false, "holes"},
		"functions":   {"GetFunctionConfiguration", reply{status: 200, body: `{"Environment":{"Variables":{}}}`}, false, "start lacks LOCKSTEP_TABLE"},
		"bucket":      {"S3", reply{status: 403, body: "<Error><Code>AccessDenied</Code></Error>"}, false, "s3:ListBucket"},
		"jobs":        {"GetParameter", reply{status: 400, body: `{"__type":"ParameterNotFound"}`}, false, "lockstep apply"},
		"state":       {"PutItem", reply{status: 400, body: `{"__type":"AccessDeniedException","message":"made up"}`}, false, "PutItem"},
	} {
		c.say = map[string]reply{c2.call: c2.say}
		if f := find(name); f.Warn != c2.warn || !c2.warn && f.Err == nil || f.Err != nil && !strings.Contains(f.Err.Error(), c2.text) {
			t.Errorf("%s: got %+v", name, f)
		}
	}
	c.say = map[string]reply{"GetAccountSettings": {status: 403, body: `{"message":"denied"}`}}
	if f := find("concurrency"); !f.Warn || f.Err != nil || !strings.Contains(f.Hint, "GetAccountSettings") {
		t.Errorf("what may not be looked at: %+v", f)
	}
}
