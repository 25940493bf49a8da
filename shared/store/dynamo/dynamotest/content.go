package dynamotest

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/lockstep-data/lockstep/infra"
)

// Items is what a table holds.
type Items []map[string]types.AttributeValue

// Content reads a whole table.
func Content(t testing.TB, c *dynamodb.Client, table string) Items {
	t.Helper()
	var items Items
	pages := dynamodb.NewScanPaginator(c, &dynamodb.ScanInput{TableName: &table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, page.Items...)
	}
	return items
}

// PutBack gives a table the content that it had, as a restore to a point in time does.
func PutBack(t testing.TB, c *dynamodb.Client, table string, items Items) {
	t.Helper()
	for _, i := range Content(t, c, table) {
		key := map[string]types.AttributeValue{infra.PartitionKey: i[infra.PartitionKey], infra.SortKey: i[infra.SortKey]}
		if _, err := c.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: key}); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range items {
		if _, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: i}); err != nil {
			t.Fatal(err)
		}
	}
}
