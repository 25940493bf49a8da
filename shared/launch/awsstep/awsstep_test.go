package awsstep_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/launch"
	"github.com/lockstep-data/lockstep/shared/launch/awsstep"
)

const arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:lockstep-dev-sync"

// answers is a service that says what a test makes it say; the real one is in the tests with LocalStack.
type answers struct {
	status int
	body   string
	asked  map[string]any // the last request
	calls  int
}

func (a *answers) machine(t *testing.T, of string) launch.Machine {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what lacks is missed below
		a.asked, a.calls = map[string]any{"call": r.Header.Get("X-Amz-Target")}, a.calls+1
		_ = json.Unmarshal(body, &a.asked)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(a.status)
		fmt.Fprint(w, a.body)
	}))
	t.Cleanup(s.Close)
	m, err := awsstep.Open(sfn.New(sfn.Options{Region: "eu-central-1", BaseEndpoint: &s.URL, HTTPClient: s.Client(), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}), of)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestID(t *testing.T) {
	for _, of := range []string{arn, arn + ":prod", arn + ":3"} {
		m := (&answers{}).machine(t, of)
		if got := m.ID("run-1"); got != "arn:aws:states:eu-central-1:123456789012:execution:lockstep-dev-sync:run-1" {
			t.Errorf("%s: got %s", of, got)
		}
	}
	for _, bad := range []string{"", "sync", "arn:aws:lambda:eu-central-1:1:function:x", strings.Replace(arn, "stateMachine", "execution", 1)} {
		if _, err := awsstep.Open(nil, bad); !fault.Has(err, fault.ConfigInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestStart(t *testing.T) {
	a := &answers{status: 200, body: `{"executionArn":"x","startDate":1}`}
	m := a.machine(t, arn)
	if existing, err := m.Start(t.Context(), "run-1", json.RawMessage(`{"job":"a"}`)); existing || err != nil {
		t.Error(existing, err)
	}
	if a.asked["name"] != "run-1" || a.asked["input"] != `{"job":"a"}` || a.asked["stateMachineArn"] != arn {
		t.Errorf("asked %v", a.asked)
	}
	a.status, a.body = 400, `{"__type":"ExecutionAlreadyExists","message":"made up"}`
	if existing, err := m.Start(t.Context(), "run-1", nil); !existing || err != nil {
		t.Error(existing, err)
	}
}

func TestDescribe(t *testing.T) {
	a := &answers{status: 200, body: `{"name":"run-1","status":"FAILED","redriveCount":2,"input":"{}","error":"Lockstep.Internal","cause":"why"}`}
	e, err := a.machine(t, arn).Describe(t.Context(), "id")
	if err != nil || e.Running() || e.Name != "run-1" || e.Redrives != 2 || string(e.Input) != "{}" || e.Error != "Lockstep.Internal" || e.Cause != "why" {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestCodes(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		want   fault.Code
	}{
		"ExecutionDoesNotExist": {400, fault.NotFound}, "StateMachineDoesNotExist": {400, fault.ConfigInvalid}, "InvalidName": {400, fault.ConfigInvalid},
		"InvalidExecutionInput": {400, fault.ConfigInvalid}, "ExecutionLimitExceeded": {400, fault.RateLimited}, "ThrottlingException": {400, fault.RateLimited},
		"AccessDeniedException": {400, fault.AuthDenied}, "ExpiredTokenException": {400, fault.AuthDenied}, "InternalFailure": {500, fault.Transient},
		"SomethingNew": {503, fault.Transient}, "SomethingElse": {400, fault.Internal},
	} {
		a := &answers{status: c.status, body: `{"__type":"` + name + `","message":"made up"}`}
		m := a.machine(t, arn)
		_, err := m.Describe(t.Context(), "id")
		if !fault.Has(err, c.want) {
			t.Errorf("%s: got %v (%s), want %s", name, err, fault.CodeOf(err), c.want)
		}
		if err := m.Stop(t.Context(), "id", "Aborted", "why"); !fault.Has(err, c.want) {
			t.Errorf("%s: stop: %v", name, err)
		}
	}
}
