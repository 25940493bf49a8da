package dynamo_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/dynamo"
	"github.com/lockstep-data/lockstep/shared/store/dynamo/modeltest"
	"github.com/lockstep-data/lockstep/shared/store/storetest"
)

// client calls a model of DynamoDB through the real client.
func client(m *modeltest.Server, more ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", HTTPClient: m.Client(), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), RetryMaxAttempts: 1,
	}, more...)
}

// modelled opens a state in a new model.
func modelled(t testing.TB, more ...func(*dynamodb.Options)) (*dynamo.Store, *modeltest.Server) {
	t.Helper()
	m := modeltest.New(modeltest.Options{})
	if _, err := dynamo.Create(t.Context(), client(m), "state", infra.StateTable()); err != nil {
		t.Fatalf("create table: %v", err)
	}
	s, err := dynamo.Open(t.Context(), dynamo.Options{Client: client(m, more...), Table: "state", Now: storetest.Start})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s, m
}

func TestStore_Model(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		s, _ := modelled(t)
		return s
	}, storetest.DeletesByItself)
}

func TestStore_ModelSchedules(t *testing.T) {
	s, _ := modelled(t)
	storetest.Schedules(t, s, 30)
}
