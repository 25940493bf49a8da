package main

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"

	"github.com/lockstep-data/lockstep/infra"
)

// addData makes what outlives the stack: the table and the bucket; and the bundle of jobs with the parameter that names it.
func (i *installation) addData() {
	if i.KMSKey != "" {
		i.key = awskms.Key_FromKeyArn(i.stack, text("Key"), text(i.KMSKey))
	}
	if i.Table != "" {
		i.table = awsdynamodb.Table_FromTableName(i.stack, text("State"), text(i.Table))
	} else {
		i.table = i.newTable(infra.StateTable())
	}
	if i.Bucket != "" {
		i.bucket = awss3.Bucket_FromBucketName(i.stack, text("Data"), text(i.Bucket))
	} else {
		i.bucket = i.newBucket(infra.DataBucket())
	}
	i.bundleFile = awss3assets.NewAsset(i.stack, text("Bundle"), &awss3assets.AssetProps{Path: text(i.bundle), DisplayName: text("Jobs")})
	awsssm.NewStringParameter(i.stack, text("CurrentBundle"), &awsssm.StringParameterProps{
		ParameterName: text(i.Parameter()), Description: text("Place of the bundle of jobs that new runs begin with; lockstep apply moves it too"),
		StringValue: text("s3://" + *i.bundleFile.S3BucketName() + "/" + *i.bundleFile.S3ObjectKey()),
	})
}

// afterwards is what happens to data when the stack is deleted.
func (i *installation) afterwards() awscdk.RemovalPolicy {
	if i.DeleteData {
		return awscdk.RemovalPolicy_DESTROY
	}
	return awscdk.RemovalPolicy_RETAIN
}

func (i *installation) newTable(t infra.Table) awsdynamodb.Table {
	attribute := func(name string) *awsdynamodb.Attribute {
		return &awsdynamodb.Attribute{Name: text(name), Type: awsdynamodb.AttributeType_STRING}
	}
	props := &awsdynamodb.TableProps{
		PartitionKey: attribute(t.PartitionKey), SortKey: attribute(t.SortKey), TimeToLiveAttribute: text(t.TTL),
		BillingMode: awsdynamodb.BillingMode_PAY_PER_REQUEST, DeletionProtection: boolean(t.DeletionProtection && !i.DeleteData),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: boolean(t.PointInTime)},
		RemovalPolicy:                    i.afterwards(),
	}
	switch {
	case i.key != nil:
		props.Encryption, props.EncryptionKey = awsdynamodb.TableEncryption_CUSTOMER_MANAGED, i.key
	case t.Encryption == infra.AWSManaged:
		props.Encryption = awsdynamodb.TableEncryption_AWS_MANAGED
	default:
		props.Encryption = awsdynamodb.TableEncryption_DEFAULT
	}
	table := awsdynamodb.NewTable(i.stack, text("State"), props)
	for _, x := range t.Indexes {
		table.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{IndexName: text(x.Name), PartitionKey: attribute(x.PartitionKey),
			SortKey: attribute(x.SortKey), ProjectionType: awsdynamodb.ProjectionType_KEYS_ONLY})
	}
	return table
}

func (i *installation) newBucket(b infra.Bucket) awss3.Bucket {
	rules := []*awss3.LifecycleRule{{Id: text("uploads"), AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(number(b.AbortUploadDays))}}
	for _, e := range b.Expiry {
		rules = append(rules, &awss3.LifecycleRule{Id: text(e.Prefix), Prefix: text(e.Prefix), Expiration: awscdk.Duration_Days(number(e.Days))})
	}
	props := &awss3.BucketProps{
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(), EnforceSSL: boolean(true), ObjectOwnership: awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		Encryption: awss3.BucketEncryption_KMS_MANAGED, BucketKeyEnabled: boolean(b.BucketKeys), Versioned: boolean(b.Versioned),
		LifecycleRules: &rules, RemovalPolicy: i.afterwards(),
	}
	if i.key != nil {
		props.Encryption, props.EncryptionKey = awss3.BucketEncryption_KMS, i.key
	}
	bucket := awss3.NewBucket(i.stack, text("Data"), props)
	suppress(bucket, "AwsSolutions-S1", "Batches are read and written by the functions only, several times a second; a trail with data events shows who else does, where that is asked for", nil)
	return bucket
}

// addQueues makes the queues in their order; one that hands on does so to one before it.
func (i *installation) addQueues() {
	for _, q := range infra.Queues() {
		props := &awssqs.QueueProps{
			QueueName: text(i.Name(q.Name)), Encryption: awssqs.QueueEncryption_SQS_MANAGED, EnforceSSL: boolean(true),
			RetentionPeriod: awscdk.Duration_Days(number(q.RetainDays)), VisibilityTimeout: awscdk.Duration_Seconds(number(q.VisibilityS)),
		}
		if q.HandsTo != "" {
			props.DeadLetterQueue = &awssqs.DeadLetterQueue{Queue: i.queues[q.HandsTo], MaxReceiveCount: number(q.Takes)}
		}
		i.queues[q.Name] = awssqs.NewQueue(i.stack, text("Queue-"+q.Name), props)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
