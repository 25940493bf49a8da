//go:build dynamodb

package dynamo_test

import (
	"os"
	"testing"

	"github.com/lockstep-data/lockstep/shared/store/dynamo/dynamotest"
)

func TestMain(m *testing.M) { os.Exit(dynamotest.Main(m)) }
